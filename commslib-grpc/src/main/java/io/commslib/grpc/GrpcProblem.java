package io.commslib.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.commslib.core.call.CallStatus;
import io.commslib.core.checks.Checks;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Why a server failed, with the fields of problem details, as a {@code google.rpc.Status} in the
 * trailers. The code is the reason of an {@code ErrorInfo} whose domain is {@value #DOMAIN}, the
 * wait is a {@code RetryInfo} and gRPC's pushback. Immutable.
 *
 * <p>Handlers throw {@link #asException()} or pass it to {@code onError}. Callers read it from what
 * their stub throws, by {@link #of(Throwable)}.
 */
public final class GrpcProblem {

  /** The domain of codes in {@code ErrorInfo}. */
  public static final String DOMAIN = "commslib";

  /** The maximum number of bytes of details that a client reads. */
  public static final int MAX_BYTES = 8_192;

  private static final String RETRYABLE = "retryable";
  private static final int MAX_DETAIL_CHARS = 1_000;

  /** The maximum number of bytes of a status' description; the details have the whole text. */
  private static final int MAX_DESCRIPTION_BYTES = 2_000;

  private static final int MAX_CODE_CHARS = 100;
  private static final Duration MAX_RETRY_AFTER = Duration.ofDays(365);

  private final CallStatus status;
  private final String detail;
  private final @Nullable String code;
  private final boolean retryable;
  private final @Nullable Duration retryAfter;

  private GrpcProblem(Builder from) {
    this.status = from.status;
    this.detail = from.detail;
    this.code = from.code;
    this.retryable = from.retryable;
    this.retryAfter = from.retryAfter;
  }

  /**
   * Starts a problem.
   *
   * @param status the status of the answer, not {@code OK}
   * @return a builder
   * @throws IllegalArgumentException if the status is {@code OK}
   */
  public static Builder builder(CallStatus status) {
    Checks.check(status != CallStatus.OK, "status", status, "a failure");
    return new Builder(status);
  }

  /**
   * Reads the problem of a failure that a stub has thrown.
   *
   * @param failure the failure, whose trailers are read
   * @return the problem, or empty if it has no details that can be read
   */
  public static Optional<GrpcProblem> of(Throwable failure) {
    Metadata trailers = Status.trailersFromThrowable(failure);
    return trailers == null ? Optional.empty() : of(trailers);
  }

  /**
   * Reads the problem of trailers.
   *
   * @param trailers the trailers of an answer
   * @return the problem, or empty if there are no details that can be read
   */
  static Optional<GrpcProblem> of(Metadata trailers) {
    byte[] bytes = trailers.get(GrpcHeaders.STATUS_DETAILS);
    if (bytes == null || bytes.length > MAX_BYTES) {
      return Optional.empty();
    }
    try {
      return read(com.google.rpc.Status.parseFrom(bytes));
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<GrpcProblem> read(com.google.rpc.Status details)
      throws InvalidProtocolBufferException {
    CallStatus status = CallStatus.ofCode(details.getCode());
    if (status == CallStatus.OK) {
      return Optional.empty();
    }
    Builder problem = builder(status).detail(details.getMessage());
    for (Any detail : details.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        ErrorInfo info = detail.unpack(ErrorInfo.class);
        if (!info.getReason().isEmpty()) {
          problem.code(info.getReason());
        }
        problem.retryable(!"false".equals(info.getMetadataOrDefault(RETRYABLE, "true")));
      } else if (detail.is(RetryInfo.class)) {
        problem.retryAfter(wait(detail.unpack(RetryInfo.class)));
      }
    }
    return Optional.of(problem.build());
  }

  private static Duration wait(RetryInfo info) {
    long seconds = info.getRetryDelay().getSeconds();
    if (seconds < 0) {
      return Duration.ZERO;
    }
    return seconds >= MAX_RETRY_AFTER.toSeconds()
        ? MAX_RETRY_AFTER
        : Duration.ofSeconds(seconds, Math.max(0, info.getRetryDelay().getNanos()));
  }

  /** {@return the status of the answer} */
  public CallStatus status() {
    return status;
  }

  /** {@return what is special about this occurrence, or an empty text} */
  public String detail() {
    return detail;
  }

  /** {@return the stable code of the failure, such as {@code COMMS-GRPC-001}, or empty} */
  public Optional<String> code() {
    return Optional.ofNullable(code);
  }

  /** {@return false if the server forbids a repetition} */
  public boolean isRetryable() {
    return retryable;
  }

  /** {@return the shortest wait before a repetition, or empty} */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * Returns the problem as a failure of a handler.
   *
   * @return a new exception with status and trailers
   */
  public StatusRuntimeException asException() {
    return grpcStatus().asRuntimeException(trailers());
  }

  Status grpcStatus() {
    String text = code == null ? detail : detail.isEmpty() ? code : code + ": " + detail;
    return Status.fromCodeValue(status.code()).withDescription(fitting(text));
  }

  /**
   * The beginning of a text that fits beside the details into the 8 KiB of metadata which a caller
   * takes. gRPC writes each byte that is not printable ASCII as three.
   */
  private static String fitting(String text) {
    int bytes = 0;
    for (int at = 0; at < text.length(); ) {
      int point = text.codePointAt(at);
      bytes += point < 0x80 ? 1 : 3 * (point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
      if (bytes > MAX_DESCRIPTION_BYTES) {
        return text.substring(0, at) + "...";
      }
      at += Character.charCount(point);
    }
    return text;
  }

  Metadata trailers() {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setDomain(DOMAIN);
    if (code != null) {
      info.setReason(code);
    }
    if (!retryable) {
      info.putMetadata(RETRYABLE, "false");
    }
    com.google.rpc.Status.Builder details =
        com.google.rpc.Status.newBuilder()
            .setCode(status.code())
            .setMessage(detail)
            .addDetails(Any.pack(info.build()));
    Metadata trailers = new Metadata();
    if (retryAfter != null) {
      details.addDetails(
          Any.pack(
              RetryInfo.newBuilder()
                  .setRetryDelay(
                      com.google.protobuf.Duration.newBuilder()
                          .setSeconds(retryAfter.getSeconds())
                          .setNanos(retryAfter.getNano()))
                  .build()));
    }
    if (!retryable) {
      trailers.put(GrpcHeaders.PUSHBACK, Pushback.FORBIDDEN);
    } else if (retryAfter != null) {
      trailers.put(GrpcHeaders.PUSHBACK, Pushback.write(retryAfter));
    }
    trailers.put(GrpcHeaders.STATUS_DETAILS, details.build().toByteArray());
    return trailers;
  }

  /** {@return status and code, for log lines; no text of the server} */
  @Override
  public String toString() {
    return "GrpcProblem{" + status + (code == null ? "" : ", " + code) + "}";
  }

  /** Builds a problem. Mutable; confined to one thread. */
  public static final class Builder {
    private final CallStatus status;
    private String detail = "";
    private @Nullable String code;
    private boolean retryable = true;
    private @Nullable Duration retryAfter;

    private Builder(CallStatus status) {
      this.status = status;
    }

    /**
     * Sets what is special about this occurrence. It must not contain content of the request.
     *
     * @param detail the text, cut to 1,000 characters; default empty
     * @return this builder
     */
    public Builder detail(String detail) {
      this.detail = cut(detail, MAX_DETAIL_CHARS);
      return this;
    }

    /**
     * Sets the stable code of the failure.
     *
     * @param code the code, cut to 100 characters; default none
     * @return this builder
     */
    public Builder code(String code) {
      this.code = cut(code, MAX_CODE_CHARS);
      return this;
    }

    /**
     * Sets whether a repetition is allowed.
     *
     * @param retryable false forbids it; default true
     * @return this builder
     */
    public Builder retryable(boolean retryable) {
      this.retryable = retryable;
      return this;
    }

    /**
     * Sets the shortest wait before a repetition.
     *
     * @param wait zero or more, up to 365 days; a longer one counts as 365 days; default none
     * @return this builder
     * @throws IllegalArgumentException if the wait is negative
     */
    public Builder retryAfter(Duration wait) {
      Checks.check(!wait.isNegative(), "retryAfter", wait, "zero or more");
      this.retryAfter = wait.compareTo(MAX_RETRY_AFTER) > 0 ? MAX_RETRY_AFTER : wait;
      return this;
    }

    /** {@return the problem} */
    public GrpcProblem build() {
      return new GrpcProblem(this);
    }

    private static String cut(String text, int max) {
      Objects.requireNonNull(text, "text");
      return text.length() <= max ? text : text.substring(0, max);
    }
  }
}
