package io.commslib.core.redrive;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.TransportException;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** Dead letters whose broker goes away before a letter is sent. */
final class FailingDeadLetters implements DeadLetters {

  private final DeadLetters letters;
  private final BooleanSupplier dies;

  FailingDeadLetters(DeadLetters letters, BooleanSupplier dies) {
    this.letters = letters;
    this.dies = dies;
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
          if (selected && dies.getAsBoolean()) {
            throw new TransportException(
                "COMMS-TEST-001", FailureKind.TRANSIENT, "the broker went away", null);
          }
          return selected;
        });
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return letters.discard(source, group, select);
  }
}
