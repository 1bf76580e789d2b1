package io.commslib.http;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import io.commslib.resilience.GuardedOperation;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One call that is being prepared. {@link #as}, {@link #reply}, {@link #find} and {@link #send}
 * make it, on the caller's thread; each of them may be called again, which makes another call.
 * Confined to one thread.
 */
public final class ServiceCall {

  private static final int NOT_FOUND = 404;
  private static final int NOT_MODIFIED = 304;
  private static final int FIRST_REDIRECT = 300;

  private final HttpService service;
  private final String method;
  private final UriTemplate template;
  private final String path;
  private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  private Idempotency idempotency;
  private @Nullable String key;
  private byte @Nullable [] body;

  ServiceCall(HttpService service, String method, UriTemplate template, String path) {
    this.service = service;
    this.method = method;
    this.template = template;
    this.path = path;
    this.idempotency = HttpMethods.idempotency(method);
  }

  /**
   * Sets a header field.
   *
   * @param name the name; not one that the library sets
   * @param value the value, without control characters
   * @return this call
   * @throws IllegalArgumentException if name or value break a rule
   */
  public ServiceCall header(String name, String value) {
    headers.put(HeaderRules.checkName(name), HeaderRules.checkValue(name, value));
    return this;
  }

  /**
   * Sets the body, encoded by the codec of the service. Every attempt sends the same bytes.
   *
   * @param value the value
   * @return this call
   * @throws io.commslib.core.CodecException if the value can't be encoded
   * @throws IllegalStateException if the service has no codec
   */
  public ServiceCall body(Object value) {
    Codec codec = service.codec();
    if (codec == null) {
      throw new IllegalStateException("codec: none (expected: HttpService.Builder.codec)");
    }
    return body(codec.encode(value), codec.contentType());
  }

  /**
   * Sets the body. Every attempt sends the same bytes.
   *
   * @param bytes the body; must not change until the call has ended
   * @param contentType its media type
   * @return this call
   * @throws IllegalArgumentException if the media type breaks a rule
   */
  public ServiceCall body(byte[] bytes, String contentType) {
    this.body = Objects.requireNonNull(bytes, "bytes");
    return header("Content-Type", contentType);
  }

  /**
   * Declares that the remote recognises repetitions by an idempotency key. The call then has one
   * random key, which all its attempts send.
   *
   * @return this call
   */
  public ServiceCall keyed() {
    this.idempotency = Idempotency.KEYED;
    return this;
  }

  /**
   * Declares that the remote recognises repetitions by this idempotency key, for example the id of
   * an order.
   *
   * @param ownKey 1 to 255 printable ASCII characters
   * @return this call
   * @throws IllegalArgumentException if the key breaks its rule
   */
  public ServiceCall key(String ownKey) {
    this.key = Checks.printable("idempotencyKey", ownKey, 255);
    return keyed();
  }

  /**
   * Declares the effect of a repetition, where it is not that of the method, for example a POST
   * that only searches.
   *
   * @param effect the effect
   * @return this call
   * @throws IllegalArgumentException if a GET or HEAD is declared {@code NON_IDEMPOTENT}, since the
   *     JDK's client sends these again on a lost connection
   */
  public ServiceCall idempotency(Idempotency effect) {
    Checks.check(
        effect != Idempotency.NON_IDEMPOTENT || !HttpMethods.isResentByTheClient(method),
        "idempotency",
        effect,
        "SAFE, IDEMPOTENT or KEYED for " + method + ", which the JDK's client may send twice");
    this.idempotency = effect;
    return this;
  }

  /**
   * Makes the call and decodes the answer.
   *
   * @param <T> type of the answer
   * @param type class of the answer
   * @return the answer
   * @throws HttpAnswerException as {@link #reply()}, and {@code COMMS-HTTP-003} if the answer can't
   *     be read
   * @throws io.commslib.core.call.CallException as {@link #reply()}
   */
  public <T> T as(Class<T> type) {
    Objects.requireNonNull(type, "type");
    return reply().as(type);
  }

  /**
   * Makes the call and decodes the answer, if there is one.
   *
   * @param <T> type of the answer
   * @param type class of the answer
   * @return the answer, or empty if the remote answers 404
   * @throws HttpAnswerException as {@link #as}, for other failures than 404
   * @throws io.commslib.core.call.CallException as {@link #reply()}
   */
  public <T> Optional<T> find(Class<T> type) {
    Objects.requireNonNull(type, "type");
    HttpResponse<byte[]> answer = exchange();
    return answer.statusCode() == NOT_FOUND
        ? Optional.empty()
        : Optional.of(checked(answer).as(type));
  }

  /**
   * Makes the call and ignores the content of the answer.
   *
   * @throws HttpAnswerException as {@link #reply()}
   * @throws io.commslib.core.call.CallException as {@link #reply()}
   */
  public void send() {
    checked(exchange());
  }

  /**
   * Makes the call. Blocks at most until the deadline, the last byte of the answer included.
   *
   * @return the answer, with a status of 200 to 299
   * @throws HttpAnswerException {@code COMMS-HTTP-001} if the status is another one, {@code -002}
   *     if the answer is over the bound
   * @throws io.commslib.core.call.CallException if there is no answer: {@code COMMS-CALL-001} to
   *     {@code -006}, see {@link GuardedOperation#call(io.commslib.core.call.AttemptWork)}
   */
  public HttpReply reply() {
    return checked(exchange());
  }

  /**
   * Makes the call and gives the answer to a reader while it arrives, on the caller's thread. Not
   * the size of the answer is bounded, but each wait for a byte, by {@link
   * HttpService.Builder#streamIdleTime}, and the whole call, by the earlier of {@link
   * HttpService.Builder#streamTime} and the deadline of the current context. The call holds its
   * place in breaker and bulkhead until the reader has returned. Once the reader has begun, nothing
   * is repeated.
   *
   * <p>If the reader returns before the end or fails, the connection is closed. An exception or
   * error of the reader itself reaches the caller unchanged.
   *
   * @param <T> type of the result
   * @param reader called once, for an answer with a status of 200 to 299
   * @return what the reader returns
   * @throws IOException if the reader throws one for another reason than that reading failed
   * @throws HttpAnswerException {@code COMMS-HTTP-004} if the answer was cut by one of the times or
   *     ended before its end, also if the reader has ignored it; else as {@link #reply()}
   * @throws io.commslib.core.call.CallException as {@link #reply()}
   */
  public <T extends @Nullable Object> T stream(StreamReader<T> reader) throws IOException {
    Objects.requireNonNull(reader, "reader");
    return new StreamedCall<>(this, service, request(), reader).run(operation());
  }

  CallTarget target() {
    return operation().target();
  }

  private GuardedOperation operation() {
    GuardedOperation operation =
        service
            .guard()
            .operation(method + " " + template, idempotency)
            .withEndpoints(service.endpoints());
    return key == null ? operation : operation.withKey(key);
  }

  private HttpResponse<byte[]> exchange() {
    try {
      return operation().call(service.transport(), request());
    } catch (Exception e) {
      throw failure(e);
    }
  }

  /** The failure of a call without a usable answer. */
  RuntimeException failure(Exception thrown) {
    if (HttpOutcomes.isTooLarge(thrown)) {
      return tooLarge();
    }
    return thrown instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException(thrown);
  }

  private ServiceRequest request() {
    return new ServiceRequest(
        method, path, headers, body, idempotency.isRepeatable(), service.callId(method));
  }

  private HttpAnswerException tooLarge() {
    return new HttpAnswerException(
        "COMMS-HTTP-002",
        "the answer has more than " + service.maxAnswerBytes() + " bytes",
        0,
        target(),
        CallOutcome.answered(CallStatus.UNKNOWN).withoutRetry(),
        null,
        null);
  }

  private HttpReply checked(HttpResponse<byte[]> answer) {
    int status = answer.statusCode();
    if (status < FIRST_REDIRECT) {
      return new HttpReply(target(), status, answer.headers(), answer.body(), service.codec());
    }
    throw refused(answer, answer.body());
  }

  /** The failure of a call whose answer has a status of 300 and above. */
  HttpAnswerException refused(HttpResponse<?> answer, byte[] content) {
    int status = answer.statusCode();
    Optional<Problem> problem = HttpOutcomes.problem(status, answer.headers(), content);
    return new HttpAnswerException(
        "COMMS-HTTP-001",
        HttpOutcomes.isFailure(status) || status == NOT_MODIFIED
            ? "the answer has status " + status
            : "the answer is a redirect, which is not followed",
        status,
        target(),
        service.outcomes().ofAnswer(answer),
        problem.orElse(null),
        null);
  }

  /** {@return method, template and service, for log lines; no values} */
  @Override
  public String toString() {
    return "ServiceCall{" + service.guard().service() + " " + method + " " + template + "}";
  }
}
