package io.commslib.http;

import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.resilience.GuardedOperation;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One call whose answer is read while it arrives. The reader runs within the attempt, which so
 * holds its permits until the end of the answer. Once the reader has begun, nothing is repeated.
 * Used once; confined to one thread.
 *
 * @param <T> type of the result
 */
final class StreamedCall<T extends @Nullable Object> implements HttpExchange<Object> {

  private static final int FIRST_REDIRECT = 300;

  /** The remote has failed, and a part of its answer was used. */
  private static final CallOutcome CUT =
      CallOutcome.answered(CallStatus.UNAVAILABLE).withoutRetry();

  private final ServiceCall call;
  private final HttpService service;
  private final ServiceRequest request;
  private final StreamReader<T> reader;

  /** The body that was given to the reader, with its result or failure. */
  private @Nullable AnswerStream body;

  private @Nullable T result;
  private @Nullable Throwable thrown;

  StreamedCall(
      ServiceCall call, HttpService service, ServiceRequest request, StreamReader<T> reader) {
    this.call = call;
    this.service = service;
    this.request = request;
    this.reader = reader;
  }

  T run(GuardedOperation operation) throws IOException {
    HttpResponse<Object> answer;
    try {
      answer =
          operation
              .withTime(service.streamTime())
              // The reader runs once.
              .withoutMirror()
              .<HttpResponse<Object>, Exception>call(
                  this, attempt -> service.transport().send(request, attempt, this));
    } catch (CallException e) {
      if (body != null && e.outcome().status() == CallStatus.DEADLINE_EXCEEDED) {
        throw cut(body, "its time was over", e);
      }
      throw e;
    } catch (Exception e) {
      throw call.failure(e);
    }
    if (body == null) {
      throw call.refused(answer, (byte[]) answer.body());
    }
    return finished(body);
  }

  @SuppressWarnings("NullAway") // the result is what the reader returned
  private T finished(AnswerStream read) throws IOException {
    if (thrown instanceof Error error) {
      throw error;
    }
    IOException failure = read.failure();
    if (failure != null) {
      boolean isIdle = failure instanceof HttpTimeoutException;
      String reason = isIdle ? "no byte for " + service.streamIdleTime() : "the connection ended";
      throw cut(read, reason, thrown == null ? failure : thrown);
    }
    if (thrown != null) {
      throw StreamedCall.<IOException>unchanged(thrown);
    }
    return result;
  }

  /** A reader may throw any checked exception without declaring it. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E unchanged(Throwable failure) throws E {
    throw (E) failure;
  }

  private HttpAnswerException cut(AnswerStream read, String reason, Throwable cause) {
    return new HttpAnswerException(
        "COMMS-HTTP-004",
        "the streamed answer was cut after " + read.readBytes() + " bytes: " + reason,
        0,
        call.target(),
        CUT,
        null,
        cause);
  }

  @Override
  public void use(HttpResponse<Object> answer) throws InterruptedException {
    if (answer.body() instanceof AnswerStream stream) {
      read(stream);
    }
  }

  private void read(AnswerStream stream) throws InterruptedException {
    body = stream;
    try (stream) {
      result = reader.read(stream);
    } catch (Throwable e) {
      thrown = e;
    }
    if (stream.isInterrupted() || thrown instanceof InterruptedException) {
      // The tick has ended the attempt, or the caller was interrupted: the engine knows which.
      throw new InterruptedException();
    }
  }

  /**
   * Sends the request and waits for the head of its answer, at most for the idle time. The time of
   * the attempt is that of the whole stream, so the tick would end this wait too late.
   */
  @Override
  public HttpResponse<Object> send(HttpRequest next) throws IOException, InterruptedException {
    BoundedBody bounded = new BoundedBody(service.maxAnswerBytes(), request.hasAnswerBody());
    CompletableFuture<HttpResponse<Object>> sent = service.http().sendAsync(next, bodies(bounded));
    boolean isAnswered = false;
    try {
      HttpResponse<Object> answer =
          sent.get(service.streamIdleTime().toNanos(), TimeUnit.NANOSECONDS);
      isAnswered = true;
      return answer;
    } catch (TimeoutException e) {
      throw new HttpTimeoutException("no answer for " + service.streamIdleTime());
    } catch (ExecutionException e) {
      if (bounded.isTooLarge()) {
        throw new BoundedBody.TooLargeException(service.maxAnswerBytes());
      }
      if (e.getCause() instanceof IOException io) {
        throw HttpOutcomes.withoutContent(io);
      }
      throw HttpOutcomes.isMalformedLength(e)
          ? HttpOutcomes.malformedLength()
          : new IOException(e.getCause());
    } finally {
      if (!isAnswered) {
        abandon(sent);
      }
    }
  }

  private static void abandon(CompletableFuture<HttpResponse<Object>> sent) {
    // The head may arrive at this moment; nothing would then read or close the body.
    CompletableFuture<Void> unused = sent.thenAccept(StreamedCall::close);
    sent.cancel(true);
  }

  private static void close(HttpResponse<Object> answer) {
    if (answer.body() instanceof AnswerStream stream) {
      stream.close();
    }
  }

  private BodyHandler<Object> bodies(BodyHandler<byte[]> bounded) {
    return head ->
        head.statusCode() < FIRST_REDIRECT
            ? new AnswerStream(service.streamIdleTime())
            : BodySubscribers.mapping(bounded.apply(head), bytes -> bytes);
  }

  @Override
  public CallOutcome ofAnswer(HttpResponse<Object> answer) {
    return answer.body() instanceof AnswerStream stream && stream.failure() != null
        ? CUT
        : service.outcomes().ofAnswer(answer);
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    return service.outcomes().ofFailure(failure);
  }
}
