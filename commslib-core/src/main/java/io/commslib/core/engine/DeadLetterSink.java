package io.commslib.core.engine;

import io.commslib.core.wire.WireMessage;
import java.util.concurrent.CompletionStage;

/** Publishes to the dead letters of one subscription group. Adapters implement it. Thread-safe. */
@FunctionalInterface
public interface DeadLetterSink {

  /**
   * Publishes a dead letter; the stage completes once the broker has confirmed it. The engine
   * settles the original only then. After a failure it pauses the route and tries again with the
   * same letter. A failure of kind {@code PERMANENT} must prove that the target refuses this very
   * letter for its size or form: the engine then tries a smaller form, and at last keeps the letter
   * and goes on with others. A target that is missing, not reachable or not permitted is {@code
   * TRANSIENT}.
   *
   * @param deadLetter with the cause in its headers
   * @return completes when it is safe
   */
  CompletionStage<?> publish(WireMessage deadLetter);
}
