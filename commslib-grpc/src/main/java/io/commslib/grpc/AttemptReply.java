package io.commslib.grpc;

import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * The answer of an attempt.
 *
 * @param <A> type of the messages
 * @param attempt the attempt, which continues if the answer has no end yet
 * @param headers the headers, or null if only trailers arrived
 * @param message the message, the first one of a stream, or null without one
 * @param end the end, or null of a stream that continues
 */
record AttemptReply<A>(
    ClientAttempt<?, A> attempt,
    @Nullable Metadata headers,
    @Nullable A message,
    @Nullable AttemptEnd end) {

  /** Shows no content of the answer. */
  @Override
  public String toString() {
    return "AttemptReply{" + (end == null ? "continues" : end) + "}";
  }
}
