package io.commslib.core.engine;

import io.commslib.core.messaging.ForeignRecord;
import java.util.concurrent.CompletionStage;

/** Publishes to the dead letters of one subscription group. Adapters implement it. Thread-safe. */
@FunctionalInterface
public interface DeadLetterSink {

  /**
   * Publishes a dead letter. The engine acknowledges the original only after the stage has
   * completed. After a failure it pauses the route and publishes the same letter again. A failure
   * of kind {@code PERMANENT} must prove that the target refuses this very letter for its size or
   * form. The engine then tries smaller forms; if all are refused, it keeps the letter and
   * continues with other records. A target that is missing, unreachable or not permitted is {@code
   * TRANSIENT}.
   *
   * @param deadLetter with the cause in its headers
   * @return completes when the broker has confirmed the letter
   */
  CompletionStage<?> publish(ForeignRecord deadLetter);
}
