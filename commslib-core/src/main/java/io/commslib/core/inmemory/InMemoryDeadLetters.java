package io.commslib.core.inmemory;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/** The dead letters of the in-memory groups. Thread-safe. */
final class InMemoryDeadLetters implements DeadLetters {

  private final BiFunction<Destination, String, InMemoryGroup> groups;
  private final Function<Destination, MessageFormat> formats;

  InMemoryDeadLetters(
      BiFunction<Destination, String, InMemoryGroup> groups,
      Function<Destination, MessageFormat> formats) {
    this.groups = groups;
    this.formats = formats;
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return new InMemoryListing(groups.apply(source, group), formats.apply(source));
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    InMemoryGroup target = groups.apply(source, group);
    return take(source, target, select, letter -> target.add(DeadLetterHeaders.redriven(letter)));
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return take(source, groups.apply(source, group), select, letter -> {});
  }

  private int take(
      Destination source,
      InMemoryGroup group,
      Predicate<DeadLetter> select,
      Consumer<ForeignRecord> taken) {
    MessageFormat format = formats.apply(source);
    int count = 0;
    // A message that is dead-lettered again meanwhile is left to the next call.
    long youngest = group.youngestDeadLetter();
    Map.Entry<Long, ForeignRecord> letter = group.deadLetterAfter(0, youngest);
    while (letter != null) {
      if (select.test(DeadLetterHeaders.read(letter.getValue(), format))
          && group.removeDeadLetter(letter.getKey())) {
        taken.accept(letter.getValue());
        count++;
      }
      letter = group.deadLetterAfter(letter.getKey(), youngest);
    }
    return count;
  }
}
