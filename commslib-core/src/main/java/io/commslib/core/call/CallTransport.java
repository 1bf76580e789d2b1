package io.commslib.core.call;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Sends the attempts of calls over one protocol. Adapters implement it; {@code GuardedOperation} of
 * the module {@code commslib-resilience} calls it, under the deadline and the policies of a remote.
 *
 * <p>It is an {@link AttemptWork} for any request, with the {@link OutcomeClassifier} of its
 * protocol. It holds no policy: it has no timeout of its own that is longer than the attempt's, it
 * does not repeat what may have been sent, and it never waits for a connection or a permit past the
 * end of the attempt. The contract {@code CallTransportContract} of the testkit checks an adapter.
 * Thread-safe.
 *
 * @param <Q> type of the requests
 * @param <A> type of the answers
 */
public interface CallTransport<Q, A extends @Nullable Object> {

  /**
   * Sends a request once and returns its answer, read to the last byte. Blocks the calling thread,
   * which is the one that made the call, and starts no other thread for it. Calls on different
   * threads run independently. Each call of this method sends once; the caller decides whether
   * another one follows.
   *
   * <p>What travels with the request is that of the attempt: the time it has left, its number, the
   * idempotency key if there is one, and the trace. After the end of the attempt's time the thread
   * is interrupted. The method then ends at once, whatever it waits for, and frees or closes the
   * connection.
   *
   * <p>An answer of the remote that rejects the request is returned and not thrown, so that {@link
   * #outcomes()} can read its status and its advice.
   *
   * @param request the request; the same object for each attempt of a call
   * @param attempt the context of this attempt, which is also {@link CallContext#current()}
   * @return the answer, whole
   * @throws IOException if there is no answer, or none that can be used; whether the remote may
   *     have seen the request is stated by {@link OutcomeClassifier#ofFailure}
   * @throws InterruptedException if the thread is interrupted; the remote may have seen the request
   */
  A send(Q request, CallContext attempt) throws IOException, InterruptedException;

  /**
   * Returns the classifier of this protocol. It states {@code NOT_SENT} only if the remote can't
   * have seen the request, and reads statuses and advice, never texts of failures.
   *
   * @return the classifier, always the same
   */
  OutcomeClassifier<? super A> outcomes();
}
