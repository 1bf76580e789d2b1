package io.commslib.http.server;

/**
 * Answers the requests of a route without a body. Users implement it. Called on the threads of the
 * server, by many at a time, and interrupted when the time of the request is over.
 */
@FunctionalInterface
public interface RouteHandler {

  /**
   * Answers a request.
   *
   * @param request the request
   * @return the answer
   * @throws Exception if it fails; the caller gets a problem without its text
   */
  HttpAnswer handle(RouteRequest request) throws Exception;
}
