package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import io.commslib.core.tls.PeerIdentity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request as its handler sees it. Deadline, trace, baggage and the number of the attempt are in
 * {@link io.commslib.core.call.CallContext#current()}. Confined to the thread of the handler.
 */
public final class RouteRequest {

  private final ServerRequest request;
  private final String operation;
  private final Map<String, String> variables;
  private final Runnable onHandlerEnd;
  private @Nullable Map<String, String> query;

  RouteRequest(ServerRequest request, String operation, Map<String, String> variables) {
    this(request, operation, variables, () -> {});
  }

  RouteRequest(
      ServerRequest request,
      String operation,
      Map<String, String> variables,
      Runnable onHandlerEnd) {
    this.request = request;
    this.operation = operation;
    this.variables = variables;
    this.onHandlerEnd = onHandlerEnd;
  }

  /** The handler has returned: what follows on its thread must not be interrupted in its place. */
  void handlerEnds() {
    onHandlerEnd.run();
  }

  /** {@return method and template, for example {@code GET /v1/orders/{id}}} */
  public String operation() {
    return operation;
  }

  /** {@return the method of the request; {@code HEAD} where {@link #operation()} has GET} */
  public String method() {
    return request.method();
  }

  /**
   * Returns the value of a variable of the template.
   *
   * @param name the name within the braces
   * @return the value, decoded; it may contain a slash that was sent as {@code %2F}, but no control
   *     characters
   * @throws IllegalArgumentException if the template has no such variable
   */
  public String variable(String name) {
    String value = variables.get(name);
    Checks.check(value != null, "variable", name, "one of " + variables.keySet());
    return String.valueOf(value);
  }

  /**
   * Returns the first value of a parameter of the query.
   *
   * @param name the name
   * @return the value, decoded, or empty
   * @throws ProblemException if the query is malformed; the answer is then 400 with {@code
   *     COMMS-HTTP-113}
   */
  public Optional<String> query(String name) {
    Map<String, String> parsed = query;
    if (parsed == null) {
      parsed = PercentCoding.query(request.rawQuery());
      query = parsed;
    }
    return Optional.ofNullable(parsed.get(name));
  }

  /**
   * Returns the first value of a header field.
   *
   * @param name the name, compared without regard to case
   * @return the value, or empty
   */
  public Optional<String> header(String name) {
    List<String> values = request.headers(name);
    return values.isEmpty() ? Optional.empty() : Optional.of(values.get(0));
  }

  /**
   * Returns who the caller is by its certificate, which the handshake has checked.
   *
   * @return the identity; empty without TLS or without a certificate of the client
   */
  public Optional<PeerIdentity> peer() {
    return request.peer();
  }

  /** All values of a header field. */
  List<String> headers(String name) {
    return request.headers(name);
  }

  /** The path and the query as they were sent. */
  String rawTarget() {
    String sent = request.rawQuery();
    return sent == null || sent.isEmpty() ? request.rawPath() : request.rawPath() + "?" + sent;
  }

  /** {@return the operation, for log lines; no value of the request} */
  @Override
  public String toString() {
    return "RouteRequest{" + operation + "}";
  }
}
