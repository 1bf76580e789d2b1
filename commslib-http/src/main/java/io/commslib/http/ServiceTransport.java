package io.commslib.http;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTransport;
import io.commslib.core.call.OutcomeClassifier;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Objects;

/**
 * Sends the attempts of a service over HTTP: each one to the instance that the engine has chosen,
 * with its own deadline and number in the header fields. Thread-safe.
 */
final class ServiceTransport implements CallTransport<ServiceRequest, HttpResponse<byte[]>> {

  private static final int UNAUTHORIZED = 401;
  private static final HttpHeaders NO_FIELDS = HttpHeaders.of(Map.of(), (name, value) -> true);

  private final HttpService service;

  ServiceTransport(HttpService service) {
    this.service = service;
  }

  @Override
  public OutcomeClassifier<? super HttpResponse<byte[]>> outcomes() {
    return service.outcomes();
  }

  @Override
  public HttpResponse<byte[]> send(ServiceRequest request, CallContext attempt)
      throws IOException, InterruptedException {
    return send(request, attempt, new BoundedExchange(service, request.hasAnswerBody()));
  }

  /** Sends an attempt to the instance that was chosen for it. */
  <B> HttpResponse<B> send(ServiceRequest request, CallContext attempt, HttpExchange<B> exchange)
      throws IOException, InterruptedException {
    URI base = attempt.endpoint(URI.class).orElseThrow();
    HttpResponse<B> answer = exchange(request, attempt, base, exchange);
    exchange.use(answer);
    return answer;
  }

  private <B> HttpResponse<B> exchange(
      ServiceRequest request, CallContext attempt, URI base, HttpExchange<B> exchange)
      throws IOException, InterruptedException {
    URI uri = uri(base, request.path);
    HttpResponse<B> answer = exchange.send(fields(request, attempt, uri, false));
    // A mirror that refuses all copies must not renew a credential that is valid elsewhere.
    boolean isRenewable =
        service.credentials() != null && request.isRepeatable && !attempt.isMirrored();
    return answer.statusCode() == UNAUTHORIZED && isRenewable
        ? exchange.send(fields(request, attempt, uri, true))
        : answer;
  }

  private static URI uri(URI base, String path) {
    String prefix = base.toString();
    return URI.create(
        prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) + path : prefix + path);
  }

  private HttpRequest fields(ServiceRequest request, CallContext attempt, URI uri, boolean renew) {
    HttpRequest.Builder next = HttpRequest.newBuilder(uri);
    byte[] body = request.body;
    if (body != null || !request.method.equals("GET")) {
      // An empty body costs a publisher and a header field, which a GET does not need.
      next.method(request.method, BodyPublishers.ofByteArray(body == null ? new byte[0] : body));
    }
    service.headers().forEach(next::setHeader);
    request.headers.forEach(next::setHeader);
    CredentialSource credentials = service.credentials();
    if (credentials != null) {
      // The client's own failure for a malformed value would show it.
      String credential =
          HeaderRules.checkValue(
              "Authorization",
              Objects.requireNonNull(credentials.authorization(renew), "authorization"));
      next.setHeader("Authorization", credential);
    }
    RequestHeaders.write(attempt, service.timeoutHeader(), NO_FIELDS, request.callId, next);
    return next.build();
  }
}
