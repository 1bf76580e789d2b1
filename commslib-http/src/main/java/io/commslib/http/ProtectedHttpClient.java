package io.commslib.http;

import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.resilience.GuardedOperation;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.net.Authenticator;
import java.net.ConnectException;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.net.http.HttpTimeoutException;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/** A client whose requests are guarded calls; see {@link HttpCalls.Builder#build}. */
final class ProtectedHttpClient extends HttpClient {

  private final HttpClient client;
  private final Resilience resilience;
  private final Function<HttpRequest, CallTarget> targets;
  private final String timeoutHeader;
  private final HttpOutcomes outcomes;

  ProtectedHttpClient(
      HttpClient client,
      Resilience resilience,
      Function<HttpRequest, CallTarget> targets,
      String timeoutHeader) {
    this.client = client;
    this.resilience = resilience;
    this.targets = targets;
    this.timeoutHeader = timeoutHeader;
    this.outcomes = new HttpOutcomes(resilience.runtime().time());
  }

  @Override
  public <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler)
      throws IOException, InterruptedException {
    checkGiven(request, handler);
    String callId = callId(request);
    AnswerReading<T> reading = new AnswerReading<>(handler);
    UnusedAnswers<T> answers = new UnusedAnswers<>();
    HttpResponse<T> used = null;
    try {
      used =
          operation(request)
              .<HttpResponse<T>, Exception>call(
                  outcomes.of(reading),
                  attempt -> answers.add(client.send(request(request, attempt, callId), reading)));
      return used;
    } catch (CallException e) {
      Exception failure = asTheClients(e);
      if (failure instanceof InterruptedException interrupt) {
        // The client clears the flag when it throws this.
        Thread.interrupted();
        throw interrupt;
      }
      throw (IOException) failure;
    } catch (IOException | InterruptedException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    } finally {
      answers.end(used);
    }
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, BodyHandler<T> handler) {
    return sendAsync(request, handler, null);
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, BodyHandler<T> handler, @Nullable PushPromiseHandler<T> pushes) {
    checkGiven(request, handler);
    String callId = callId(request);
    AnswerReading<T> reading = new AnswerReading<>(handler);
    UnusedAnswers<T> answers = new UnusedAnswers<>();
    CompletableFuture<HttpResponse<T>> call =
        operation(request)
            .<HttpResponse<T>>callAsync(
                outcomes.of(reading),
                attempt -> {
                  HttpRequest each = request(request, attempt, callId);
                  CompletableFuture<HttpResponse<T>> sent =
                      pushes == null
                          ? client.sendAsync(each, reading)
                          : client.sendAsync(each, reading, pushes);
                  // The engine cancels what it gets, so that must be the exchange itself.
                  CompletableFuture<Void> unused = sent.thenAccept(answers::add);
                  return sent;
                });
    CompletableFuture<HttpResponse<T>> answer = new CompletableFuture<>();
    var unusedConversion =
        call.whenComplete(
            (response, failure) -> {
              boolean isUsed = failure == null && answer.complete(response);
              answers.end(isUsed ? response : null);
              if (failure != null) {
                Throwable cause = Failures.unwrapped(failure);
                answer.completeExceptionally(
                    cause instanceof CallException refused ? asTheClients(refused) : cause);
              }
            });
    // Cancelling what depends on the call would leave the attempts in flight.
    var unusedCancel =
        answer.whenComplete(
            (response, failure) -> {
              if (answer.isCancelled()) {
                call.cancel(true);
              }
            });
    return answer;
  }

  /** As the wrapped client does, before anything is sent. */
  private static void checkGiven(HttpRequest request, BodyHandler<?> handler) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(handler, "handler");
  }

  private GuardedOperation operation(HttpRequest request) {
    CallTarget target = targets.apply(request);
    Idempotency idempotency = target.idempotency();
    boolean isReadableOnce =
        request.bodyPublisher().map(body -> body.contentLength() < 0).orElse(false);
    GuardedOperation operation =
        resilience
            .guard(target.service())
            .operation(
                target.operation(), isReadableOnce ? Idempotency.NON_IDEMPOTENT : idempotency)
            // Its URI is that of the caller, whose body handler runs once for each answer.
            .withoutMirror();
    Optional<String> subset = target.subset();
    if (subset.isPresent()) {
      operation = operation.inSubset(subset.get());
    }
    return idempotency == Idempotency.KEYED && isReadableOnce
        ? operation.withKey(newKey())
        : operation;
  }

  /** A call that is not repeated has a key all the same: its callee expects one. */
  private String newKey() {
    return new java.util.UUID(
            resilience.runtime().random().nextLong(), resilience.runtime().random().nextLong())
        .toString();
  }

  private @Nullable String callId(HttpRequest request) {
    return HttpMethods.callId(request.method(), resilience.runtime().random());
  }

  private HttpRequest request(HttpRequest request, CallContext attempt, @Nullable String callId) {
    HttpRequest.Builder copy = HttpRequest.newBuilder(request, (name, value) -> true);
    RequestHeaders.write(attempt, timeoutHeader, request.headers(), callId, copy);
    return copy.build();
  }

  /** Returns the failure that callers of the JDK's client expect. */
  private static Exception asTheClients(CallException failure) {
    String text = String.valueOf(failure.getMessage());
    CallStatus status = failure.outcome().status();
    Exception expected;
    if (status == CallStatus.CANCELLED) {
      expected = new InterruptedException(text);
    } else if (status == CallStatus.DEADLINE_EXCEEDED) {
      expected = new HttpTimeoutException(text);
    } else if (failure.outcome().certainty() == SendCertainty.NOT_SENT
        && failure.refusal().isEmpty()) {
      expected = new ConnectException(text);
    } else {
      expected = new IOException(text);
    }
    expected.initCause(failure);
    return expected;
  }

  @Override
  public Optional<CookieHandler> cookieHandler() {
    return client.cookieHandler();
  }

  @Override
  public Optional<Duration> connectTimeout() {
    return client.connectTimeout();
  }

  @Override
  public Redirect followRedirects() {
    return client.followRedirects();
  }

  @Override
  public Optional<ProxySelector> proxy() {
    return client.proxy();
  }

  @Override
  public SSLContext sslContext() {
    return client.sslContext();
  }

  @Override
  public SSLParameters sslParameters() {
    return client.sslParameters();
  }

  @Override
  public Optional<Authenticator> authenticator() {
    return client.authenticator();
  }

  @Override
  public Version version() {
    return client.version();
  }

  @Override
  public Optional<Executor> executor() {
    return client.executor();
  }

  @Override
  public WebSocket.Builder newWebSocketBuilder() {
    return client.newWebSocketBuilder();
  }

  // The five methods below override those of HttpClient from Java 21 on.

  /** Closes the wrapped client, as it does itself. */
  public void close() {
    ClientLifecycle.close(client);
  }

  /** Lets requests in flight end and accepts no more. */
  public void shutdown() {
    ClientLifecycle.shutdown(client);
  }

  /** Interrupts requests in flight. */
  public void shutdownNow() {
    ClientLifecycle.shutdownNow(client);
  }

  /** Returns whether the wrapped client has ended. */
  public boolean isTerminated() {
    return ClientLifecycle.isTerminated(client);
  }

  /** Waits until the wrapped client has ended. */
  public boolean awaitTermination(Duration duration) throws InterruptedException {
    return ClientLifecycle.awaitTermination(client, duration);
  }

  /** {@return the wrapped client} */
  @Override
  public String toString() {
    return "protected " + client;
  }
}
