package io.commslib.core.inmemory;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.spi.Checks;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.DeadLetterHeaders;
import io.commslib.core.spi.WireMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
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
    List<DeadLetter> letters = new ArrayList<>();
    groups
        .apply(source, group)
        .forEachDeadLetter(
            limit, entry -> letters.add(DeadLetterHeaders.read(entry.getValue(), envelope)));
    return letters;
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    Group target = groups.apply(source, group);
    return take(target, select, letter -> target.add(DeadLetterHeaders.redriven(letter)));
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return take(groups.apply(source, group), select, letter -> {});
  }

  private int take(Group group, Predicate<DeadLetter> select, Consumer<WireMessage> taken) {
    AtomicInteger count = new AtomicInteger();
    group.forEachDeadLetter(
        Integer.MAX_VALUE,
        entry -> {
          if (select.test(DeadLetterHeaders.read(entry.getValue(), envelope))
              && group.removeDeadLetter(entry.getKey())) {
            taken.accept(entry.getValue());
            count.incrementAndGet();
          }
        });
    return count.get();
  }
}
