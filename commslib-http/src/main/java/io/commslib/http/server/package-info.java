/**
 * The server half of calls over HTTP. {@link io.commslib.http.server.HttpRoutes} maps templates to
 * handlers, which run under the deadline and the trace of their caller; {@link
 * io.commslib.http.server.HttpServerComponent} runs them on the JDK's server, with health and
 * drain. Other servers call {@link io.commslib.http.server.HttpRoutes#handle(ServerRequest)}.
 */
@NullMarked
package io.commslib.http.server;

import org.jspecify.annotations.NullMarked;
