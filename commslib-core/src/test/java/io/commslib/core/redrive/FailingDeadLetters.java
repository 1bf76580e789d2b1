package io.commslib.core.redrive;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.TransportException;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** Dead letters whose broker fails before a letter is sent. */
final class FailingDeadLetters implements DeadLetters {

  private final DeadLetters letters;
  private final BooleanSupplier fails;

  FailingDeadLetters(DeadLetters letters, BooleanSupplier fails) {
    this.letters = letters;
    this.fails = fails;
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return letters.open(source, group);
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    return letters.redrive(
        source,
        group,
        letter -> {
          boolean selected = select.test(letter);
          if (selected && fails.getAsBoolean()) {
            throw new TransportException(
                "COMMS-TEST-001", FailureKind.TRANSIENT, "the broker is unreachable", null);
          }
          return selected;
        });
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return letters.discard(source, group, select);
  }
}
