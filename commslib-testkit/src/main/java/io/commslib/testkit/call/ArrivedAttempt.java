package io.commslib.testkit.call;

import java.time.Duration;
import java.util.Optional;

/**
 * An attempt as the remote has received it. Immutable value.
 *
 * @param attempt the number of the attempt, 0 if the request has none
 * @param remaining the time that the caller still waits, or empty
 * @param key the idempotency key, or empty
 * @param traceparent the position in the trace, or empty
 * @param body the content of the request
 */
public record ArrivedAttempt(
    int attempt,
    Optional<Duration> remaining,
    Optional<String> key,
    Optional<String> traceparent,
    String body) {}
