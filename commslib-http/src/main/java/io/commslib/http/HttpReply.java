package io.commslib.http;

import io.commslib.core.CodecException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.codec.Codec;
import java.net.http.HttpHeaders;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A successful answer, complete in memory. Immutable. */
public final class HttpReply {

  private final CallTarget target;
  private final int status;
  private final HttpHeaders headers;
  private final byte[] body;
  private final @Nullable Codec codec;

  HttpReply(
      CallTarget target, int status, HttpHeaders headers, byte[] body, @Nullable Codec codec) {
    this.target = target;
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.codec = codec;
  }

  /** {@return the status code, 200 to 299} */
  public int status() {
    return status;
  }

  /** {@return the header fields} */
  public HttpHeaders headers() {
    return headers;
  }

  /**
   * Returns the first value of a header field.
   *
   * @param name the name, in any case
   * @return the value, or empty
   */
  public Optional<String> header(String name) {
    return headers.firstValue(name);
  }

  /** {@return the body, a new array, empty if there is none} */
  public byte[] body() {
    return body.clone();
  }

  /**
   * Decodes the body.
   *
   * @param <T> type of the value
   * @param type class of the value
   * @return the value
   * @throws HttpAnswerException {@code COMMS-HTTP-003} if the answer is of another media type or
   *     can't be read
   * @throws IllegalStateException if the service has no codec
   */
  public <T> T as(Class<T> type) {
    if (codec == null) {
      throw new IllegalStateException("codec: none (expected: HttpService.Builder.codec)");
    }
    String received = headers.firstValue("Content-Type").orElse("");
    if (!MediaTypes.isReadableAs(received, codec.contentType())) {
      throw unusable("the answer has another media type (expected: " + codec.contentType() + ")");
    }
    try {
      return codec.decode(body, type);
    } catch (CodecException e) {
      // Its text may show content of the answer.
      throw unusable("the answer can't be read as " + type.getSimpleName());
    }
  }

  private HttpAnswerException unusable(String reason) {
    return new HttpAnswerException(
        "COMMS-HTTP-003",
        reason,
        status,
        target,
        CallOutcome.answered(CallStatus.UNKNOWN).withoutRetry(),
        null,
        null);
  }

  /** {@return status and size, for log lines} */
  @Override
  public String toString() {
    return "HttpReply{" + target + ", " + status + ", " + body.length + " bytes}";
  }
}
