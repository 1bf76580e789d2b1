package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import java.util.List;
import java.util.function.Predicate;

/** Dead letters that delegate every call; saboteurs override one. */
class ForwardingDeadLetters implements DeadLetters {

  final DeadLetters letters;

  ForwardingDeadLetters(DeadLetters letters) {
    this.letters = letters;
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return letters.open(source, group);
  }

  @Override
  public List<DeadLetter> list(Destination source, String group, int limit) {
    return letters.list(source, group, limit);
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    return letters.redrive(source, group, select);
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return letters.discard(source, group, select);
  }
}
