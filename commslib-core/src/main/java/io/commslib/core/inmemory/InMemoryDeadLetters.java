package io.commslib.core.inmemory;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import io.commslib.core.wire.WireMessage;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** The dead letters of the in-memory groups. Thread-safe. */
final class InMemoryDeadLetters implements DeadLetters {

  private final BiFunction<Destination, String, InMemoryGroup> groups;
  private final CloudEventsEnvelope envelope;

  InMemoryDeadLetters(
      BiFunction<Destination, String, InMemoryGroup> groups, CloudEventsEnvelope envelope) {
    this.groups = groups;
    this.envelope = envelope;
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return new InMemoryListing(groups.apply(source, group), envelope);
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    InMemoryGroup target = groups.apply(source, group);
    return take(target, select, letter -> target.add(DeadLetterHeaders.redriven(letter)));
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return take(groups.apply(source, group), select, letter -> {});
  }

  private int take(InMemoryGroup group, Predicate<DeadLetter> select, Consumer<WireMessage> taken) {
    int count = 0;
    // A message that is dead-lettered again meanwhile is left to the next call.
    long youngest = group.youngestDeadLetter();
    Map.Entry<Long, WireMessage> letter = group.deadLetterAfter(0, youngest);
    while (letter != null) {
      if (select.test(DeadLetterHeaders.read(letter.getValue(), envelope))
          && group.removeDeadLetter(letter.getKey())) {
        taken.accept(letter.getValue());
        count++;
      }
      letter = group.deadLetterAfter(letter.getKey(), youngest);
    }
    return count;
  }
}
