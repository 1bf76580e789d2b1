package io.commslib.http.server;

/**
 * Answers the requests of a route with a body. Users implement it. Called on the threads of the
 * server, by many at a time, and interrupted when the time of the request is over.
 *
 * @param <T> type of the body
 */
@FunctionalInterface
public interface BodyRouteHandler<T> {

  /**
   * Answers a request.
   *
   * @param request the request
   * @param body the body, decoded
   * @return the answer
   * @throws Exception if it fails; the caller gets a problem without its text
   */
  HttpAnswer handle(RouteRequest request, T body) throws Exception;
}
