package io.commslib.core.wire;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Message;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The source of messages that were built without one: the name of the service, as configured in a
 * transport or an outbox. Without such a name these messages are sent with source {@code /}, like
 * those of every other unnamed service, and the first of them is logged at WARN. Thread-safe.
 */
public final class DefaultSource {

  /** The source of a message that was built without one. */
  public static final String NONE = "/";

  private static final Logger log = LoggerFactory.getLogger(DefaultSource.class);

  private final String component;
  private final String source;
  private final AtomicBoolean warned = new AtomicBoolean();

  /**
   * Creates the default source of one component.
   *
   * @param component name of the component in the log, for example {@code transport kafka}
   * @param source name of the service, by the rule of {@link Message.Builder#source}; {@link #NONE}
   *     if there is none
   */
  public DefaultSource(String component, String source) {
    this.component = component;
    this.source = source;
  }

  /**
   * Checks a source.
   *
   * @param source setting of a builder
   * @return the source
   * @throws IllegalArgumentException if it breaks the rule of {@link Message.Builder#source}
   */
  public static String checked(String source) {
    return Checks.text("source", source, 1, 256);
  }

  /**
   * Returns the source with which a message is sent.
   *
   * @param message the message
   * @return the message's own source, or this one
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
          component,
          message.id());
    }
    return source;
  }

  /**
   * Returns a message with the source with which it is sent.
   *
   * @param message the message
   * @return the message itself, or a copy with this source
   */
  public Message withSource(Message message) {
    String sent = of(message);
    return sent.equals(message.source()) ? message : message.toBuilder().source(sent).build();
  }

  /**
   * Returns the identity of the message that a caller identifies by its id or its identity.
   *
   * @param given the id of a message with this source, which has no blank; or an identity, possibly
   *     that of a message without a source
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
   * Returns the identity with which a message is sent.
   *
   * @param message the message
   * @return as in {@link Message#identity()}
   */
  public String identity(Message message) {
    return withSource(message).identity();
  }
}
