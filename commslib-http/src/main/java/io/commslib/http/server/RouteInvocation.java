package io.commslib.http.server;

/**
 * The work of a route: its handler with decoding and encoding. What surrounds a handler, such as a
 * store of answers by key, wraps it: it sees the bytes of the request and those of the answer.
 */
interface RouteInvocation {

  ServerAnswer invoke(RouteRequest request, byte[] body) throws Exception;
}
