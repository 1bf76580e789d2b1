package io.commslib.core.inmemory;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.spi.Checks;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.DeadLetterHeaders;
import io.commslib.core.spi.WireMessage;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Predicate;

/** The dead letters of the in-memory groups. */
final class InMemoryDeadLetters implements DeadLetters {

  private final BiFunction<Destination, String, Group> groups;
  private final CloudEventsEnvelope envelope;

  InMemoryDeadLetters(BiFunction<Destination, String, Group> groups, CloudEventsEnvelope envelope) {
    this.groups = groups;
    this.envelope = envelope;
  }

  @Override
  public List<DeadLetter> list(Destination source, String group, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    return groups.apply(source, group).deadLetters().stream()
        .limit(limit)
        .map(letter -> DeadLetterHeaders.read(letter, envelope))
        .toList();
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    Group target = groups.apply(source, group);
    int count = 0;
    for (WireMessage letter : target.deadLetters()) {
      if (select.test(DeadLetterHeaders.read(letter, envelope))
          && target.removeDeadLetter(letter)) {
        target.add(DeadLetterHeaders.redriven(letter));
        count++;
      }
    }
    return count;
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    Group target = groups.apply(source, group);
    int count = 0;
    for (WireMessage letter : target.deadLetters()) {
      if (select.test(DeadLetterHeaders.read(letter, envelope))
          && target.removeDeadLetter(letter)) {
        count++;
      }
    }
    return count;
  }
}
