package io.commslib.http;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
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
 * Sends the attempts of a service over HTTP: each one to an instance of the pool, with its own
 * deadline and number in the header fields. Thread-safe.
 */
final class ServiceTransport implements CallTransport<ServiceRequest, HttpResponse<byte[]>> {

  private static final int UNAUTHORIZED = 401;
  private static final CallOutcome TIMED_OUT =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);
  private static final CallOutcome CANCELLED =
      CallOutcome.of(CallStatus.CANCELLED, SendCertainty.MAYBE_SENT);
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

  /** Sends an attempt to an instance of the pool, which learns its outcome. */
  <B> HttpResponse<B> send(ServiceRequest request, CallContext attempt, HttpExchange<B> exchange)
      throws IOException, InterruptedException {
    if (request.last == null) {
      request.callId = service.callId(request.method);
    }
    EndpointPool pool = service.pool(attempt);
    EndpointPool.Endpoint endpoint = pool.begin(request.last);
    request.last = endpoint;
    CallOutcome outcome = CallOutcome.answered(CallStatus.UNKNOWN);
    try {
      HttpResponse<B> answer = exchange(request, attempt, endpoint.uri, exchange);
      exchange.use(answer);
      outcome = exchange.ofAnswer(answer);
      return answer;
    } catch (InterruptedException e) {
      // The tick interrupts after the time of the attempt, a caller who cancels before.
      outcome = attempt.remainingNanos(1) <= 0 ? TIMED_OUT : CANCELLED;
      throw e;
    } catch (IOException e) {
      outcome = exchange.ofFailure(e);
      throw e;
    } finally {
      pool.end(endpoint, outcome);
    }
  }

  private <B> HttpResponse<B> exchange(
      ServiceRequest request, CallContext attempt, URI base, HttpExchange<B> exchange)
      throws IOException, InterruptedException {
    URI uri = uri(base, request.path);
    HttpResponse<B> answer = exchange.send(fields(request, attempt, uri, false));
    boolean isRenewable = service.credentials() != null && request.isRepeatable;
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
          HttpService.Builder.checkValue(
              "Authorization",
              Objects.requireNonNull(credentials.authorization(renew), "authorization"));
      next.setHeader("Authorization", credential);
    }
    RequestHeaders.write(attempt, service.timeoutHeader(), NO_FIELDS, request.callId, next);
    return next.build();
  }
}
