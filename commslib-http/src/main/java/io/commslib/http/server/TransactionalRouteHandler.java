package io.commslib.http.server;

import io.commslib.core.tx.TransactionContext;

/**
 * Answers the requests of a keyed route within a transaction. Users implement it. Called on the
 * threads of the server, by many at a time, and interrupted when the time of the request is over.
 *
 * @param <T> type of the body
 */
@FunctionalInterface
public interface TransactionalRouteHandler<T> {

  /**
   * Answers a request. Its effects and the stored answer commit together or not at all.
   *
   * @param request the request
   * @param body the body, decoded
   * @param tx the transaction, on the database of the stored answers
   * @return the answer; with a status of 500 and above it rolls back, unless {@code
   *     IdempotentRequests.Builder.storeIf} sets another rule
   * @throws Exception if it fails; the transaction rolls back, and the caller gets a problem
   *     without its text
   */
  HttpAnswer handle(RouteRequest request, T body, TransactionContext tx) throws Exception;
}
