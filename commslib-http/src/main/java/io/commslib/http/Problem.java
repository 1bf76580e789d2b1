package io.commslib.http;

import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The problem details of RFC 9457 with which a server states why it failed, as {@value
 * #MEDIA_TYPE}. Beside the members of the RFC it has {@code code}, {@code retryable} and {@code
 * retryAfterMs}. Immutable.
 */
public final class Problem {

  /** The media type of problem details. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /** The maximum number of bytes of problem details that a client reads. */
  public static final int MAX_BYTES = 65_536;

  private static final int MAX_TITLE_CHARS = 200;
  private static final int MAX_DETAIL_CHARS = 1_000;
  private static final int MAX_URI_CHARS = 1_000;
  private static final int MAX_CODE_CHARS = 100;

  private final int status;
  private final String type;
  private final String title;
  private final String detail;
  private final @Nullable String code;
  private final boolean retryable;
  private final @Nullable Duration retryAfter;

  private Problem(Builder from) {
    this.status = from.status;
    this.type = from.type;
    this.title = from.title;
    this.detail = from.detail;
    this.code = from.code;
    this.retryable = from.retryable;
    this.retryAfter = from.retryAfter;
  }

  /**
   * Starts problem details.
   *
   * @param status the status code of the answer, 100 to 599
   * @return a builder
   * @throws IllegalArgumentException if the status is out of range
   */
  public static Builder builder(int status) {
    return new Builder(Checks.inRange("status", status, 100, 599));
  }

  /**
   * Reads problem details. Unknown members are left out, long texts are cut, and members of a wrong
   * type count as absent.
   *
   * @param json the content of the answer; not changed
   * @param status the status code of the answer, 100 to 599, for details without a valid one
   * @return the details, or empty if the content is no JSON object, too deep or longer than {@value
   *     #MAX_BYTES} bytes
   */
  public static Optional<Problem> parse(byte[] json, int status) {
    return json.length > MAX_BYTES ? Optional.empty() : ProblemJson.read(json, builder(status));
  }

  /** {@return the details as JSON in UTF-8, a new array} */
  public byte[] toJson() {
    return ProblemJson.write(this);
  }

  /** {@return the status code of the answer} */
  public int status() {
    return status;
  }

  /** {@return the URI of the kind of problem, {@code about:blank} by default} */
  public String type() {
    return type;
  }

  /** {@return the short summary of the kind of problem, or an empty text} */
  public String title() {
    return title;
  }

  /** {@return what is special about this occurrence, or an empty text} */
  public String detail() {
    return detail;
  }

  /** {@return the stable code of the failure, such as {@code COMMS-HTTP-001}, or empty} */
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

  /** {@return status and code, for log lines; no text of the server} */
  @Override
  public String toString() {
    return "Problem{" + status + (code == null ? "" : ", " + code) + "}";
  }

  /** Builds problem details. Mutable; confined to one thread. */
  public static final class Builder {
    private int status;
    private String type = "about:blank";
    private String title = "";
    private String detail = "";
    private @Nullable String code;
    private boolean retryable = true;
    private @Nullable Duration retryAfter;

    private Builder(int status) {
      this.status = status;
    }

    void status(int read) {
      if (read >= 100 && read <= 599) {
        this.status = read;
      }
    }

    /**
     * Sets the URI of the kind of problem.
     *
     * @param type the URI, cut to 1,000 characters; default {@code about:blank}
     * @return this builder
     */
    public Builder type(String type) {
      this.type = cut(type, MAX_URI_CHARS);
      return this;
    }

    /**
     * Sets the short summary of the kind of problem.
     *
     * @param title the summary, cut to 200 characters; default empty
     * @return this builder
     */
    public Builder title(String title) {
      this.title = cut(title, MAX_TITLE_CHARS);
      return this;
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
     * @param wait zero or more; default none
     * @return this builder
     * @throws IllegalArgumentException if the wait is negative
     */
    public Builder retryAfter(Duration wait) {
      Checks.check(!wait.isNegative(), "retryAfter", wait, "zero or more");
      this.retryAfter = wait;
      return this;
    }

    /** {@return the details} */
    public Problem build() {
      return new Problem(this);
    }

    private static String cut(String text, int max) {
      Objects.requireNonNull(text, "text");
      return text.length() <= max ? text : text.substring(0, max);
    }
  }
}
