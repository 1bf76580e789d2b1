package io.commslib.core.wire;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Message;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The source of messages that were built without one: the name of the service, as a transport or an
 * outbox was told it. Without such a name they leave with source {@code /}, like those of every
 * other service that gives none, and the first of them is logged at WARN. Thread-safe.
 */
public final class DefaultSource {

  /** The source of a message that was built without one. */
  public static final String NONE = "/";

  private static final Logger log = LoggerFactory.getLogger(DefaultSource.class);

  private final String part;
  private final String source;
  private final AtomicBoolean warned = new AtomicBoolean();

  /**
   * Creates it for one part.
   *
   * @param part what the log calls it, for example {@code transport kafka}
   * @param source the name, by the rule of {@link Message.Builder#source}; {@link #NONE} if there
   *     is none
   */
  public DefaultSource(String part, String source) {
    this.part = part;
    this.source = source;
  }

  /**
   * Checks a name.
   *
   * @param source setting of a builder
   * @return the name
   * @throws IllegalArgumentException if it breaks the rule of {@link Message.Builder#source}
   */
  public static String checked(String source) {
    return Checks.text("source", source, 1, 256);
  }

  /**
   * Returns the source with which a message leaves.
   *
   * @param message what is sent
   * @return its own source, or this one
   */
  public String of(Message message) {
    String own = message.source();
    if (!own.equals(NONE)) {
      return own;
    }
    if (source.equals(NONE) && warned.compareAndSet(false, true)) {
      log.warn(
          "{} sends messages with source '/' (first: {}); set source(...) to the name of the service,"
              + " since ids are unique per source only",
          part,
          message.id());
    }
    return source;
  }

  /**
   * Returns the identity of a message of which a caller gives the id or the identity.
   *
   * @param given an id, which has no blank, of a message with this source; or an identity, that of
   *     a message without a source included
   * @return as in {@link Message#identity()}
   */
  public String identityOf(String given) {
    int blank = given.indexOf(' ');
    boolean ofThis =
        blank < 0 ? !given.startsWith("sha256:") : given.substring(blank + 1).equals(NONE);
    if (!ofThis) {
      return given;
    }
    String id = blank < 0 ? given : given.substring(0, blank);
    return Message.builder("any").id(id).source(source).build().identity();
  }

  /**
   * Returns the identity with which a message leaves.
   *
   * @param message what is sent
   * @return as in {@link Message#identity()}
   */
  public String identity(Message message) {
    String leaving = of(message);
    return leaving.equals(message.source())
        ? message.identity()
        : message.toBuilder().source(leaving).build().identity();
  }
}
