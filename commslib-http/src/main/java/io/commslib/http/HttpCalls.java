package io.commslib.http;

import io.commslib.core.call.CallTarget;
import io.commslib.resilience.Resilience;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

/**
 * Protects a client that exists, so that code that uses it need not change. Every request is a
 * guarded call: it has a deadline, is repeated where that is harmless, and fails at once while the
 * breaker of its service is open. Answers of any status are returned as they are.
 */
public final class HttpCalls {

  private HttpCalls() {}

  /**
   * Returns a client that protects the calls of another one, with all defaults.
   *
   * @param client the client, which stays the caller's
   * @param resilience the calls of the process
   * @return the protected client
   */
  public static HttpClient protect(HttpClient client, Resilience resilience) {
    return builder(client, resilience).build();
  }

  /**
   * Starts a protected client.
   *
   * @param client the client, which stays the caller's; closing the protected one closes it
   * @param resilience the calls of the process
   * @return a builder
   */
  public static Builder builder(HttpClient client, Resilience resilience) {
    return new Builder(client, resilience);
  }

  /** The service is host and port, the operation is the method. */
  private static CallTarget byAuthority(HttpRequest request) {
    URI uri = request.uri();
    String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
    String service = uri.getPort() < 0 ? host : host + ":" + uri.getPort();
    String method = request.method();
    // The name of a host may be longer than that of a service, and its end tells more.
    int from = Math.max(0, service.length() - CallTarget.MAX_NAME_CHARS);
    return CallTarget.of(service.substring(from), method, HttpMethods.idempotency(method));
  }

  /** Builds a protected client. Mutable; confined to one thread. */
  public static final class Builder {
    private final HttpClient client;
    private final Resilience resilience;
    private Function<HttpRequest, CallTarget> targets = HttpCalls::byAuthority;
    private String timeoutHeader = CallHeaders.TIMEOUT;

    private Builder(HttpClient client, Resilience resilience) {
      this.client = Objects.requireNonNull(client, "client");
      this.resilience = Objects.requireNonNull(resilience, "resilience");
    }

    /**
     * Sets what a request calls: the service whose guard it has, the template of the operation, and
     * the effect of a repetition. A process has at most {@link Resilience#MAX_REMOTES} services; a
     * client of more hosts needs targets that group them, since a request to a further one fails
     * with an {@link IllegalStateException}.
     *
     * @param targets returns the target of a request, on the calling thread; default host and port
     *     as the service, the method as the operation, and its idempotency
     * @return this builder
     */
    public Builder target(Function<HttpRequest, CallTarget> targets) {
      this.targets = Objects.requireNonNull(targets, "targets");
      return this;
    }

    /**
     * Sets the name of the header field with the time that the caller still waits.
     *
     * @param header the name; default {@value CallHeaders#TIMEOUT}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks a rule
     */
    public Builder timeoutHeader(String header) {
      this.timeoutHeader = HeaderRules.checkName(header);
      return this;
    }

    /**
     * Builds the client. Its {@code send} and {@code sendAsync} behave as those of the wrapped one,
     * with these differences:
     *
     * <ul>
     *   <li>A {@code KEYED} request without the field {@code Idempotency-Key} gets one.
     *   <li>A request whose body has no known length can be read once, so it is repeated only if
     *       nothing was sent.
     *   <li>Failures are those that the JDK's client throws: {@code HttpTimeoutException} after the
     *       time of the call, {@code ConnectException} if nothing was sent, {@code
     *       InterruptedException}, else {@code IOException}. The cause is the {@link
     *       io.commslib.core.call.CallException}, also if the breaker or a limit refused the call.
     *   <li>A failure of the body handler itself, such as that of one with a limit, refuses an
     *       answer: it is not repeated, and the client's failure is thrown as it is.
     *   <li>The deadline includes the body if the body handler waits for it. With {@code
     *       ofInputStream}, {@code ofLines} or {@code ofPublisher} it ends at the head.
     * </ul>
     *
     * @return the protected client, thread-safe
     */
    public HttpClient build() {
      return new ProtectedHttpClient(client, resilience, targets, timeoutHeader);
    }
  }
}
