package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.TransportException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.IllegalGenerationException;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.apache.kafka.common.errors.InvalidPidMappingException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Translates failures of the Kafka client; no other class interprets them. */
final class KafkaErrors {

  private KafkaErrors() {}

  /**
   * Translates a failed publish. A message that failed before {@code send} returned was not sent. A
   * later failure means that a broker may have it, unless the failure itself states that the broker
   * rejected it. A missing permission is transient: an operator can grant it. The client reports a
   * failure that is fatal to the producer for every message in flight.
   */
  static PublishException publish(
      Throwable failure,
      boolean beforeSendReturned,
      Destination to,
      String messageId,
      Duration publishTimeout) {
    Throwable cause = Failures.unwrapped(failure);
    boolean unauthorized = cause instanceof AuthorizationException;
    boolean rejected = isMessageRejected(cause);
    String rule =
        cause instanceof TimeoutException
            ? " (expected: a confirmation within " + publishTimeout + ", publishTimeout)"
            : "";
    return new PublishException(
        rejected ? "COMMS-KAFKA-003" : unauthorized ? "COMMS-KAFKA-013" : "COMMS-KAFKA-004",
        rejected ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        (beforeSendReturned && !isAfterAppend(cause))
                || rejected
                || (unauthorized && !isFatalToProducer(cause))
            ? SendCertainty.NOT_SENT
            : SendCertainty.MAYBE_SENT,
        to,
        messageId,
        cause instanceof ClusterAuthorizationException
            ? withoutProducerId(cause)
            : text(cause) + rule,
        failure);
  }

  /**
   * Whether the client did not find the topic. Valid only for a failure inside {@code send}, where
   * the client waits for topics and for buffer capacity.
   */
  static boolean isTopicMissing(Throwable failureOfSend) {
    return failureOfSend instanceof TimeoutException && !isBufferFull(failureOfSend);
  }

  /**
   * Whether the producer is in a fatal state and publishes nothing more. An idempotent producer
   * enters that state after these failures of a batch (see {@code maybeTransitionToErrorState} in
   * the client's {@code TransactionManager}). After other failures, such as an unexpected response
   * to the request for a producer id, the client reports the state only when the next message is
   * sent, and only by a text. The producer survives a broken sequence and a failed login.
   */
  static boolean isFatalToProducer(Throwable failure) {
    return Failures.chain(failure).stream()
        .anyMatch(
            cause ->
                cause instanceof ClusterAuthorizationException
                    || cause instanceof TransactionalIdAuthorizationException
                    || cause instanceof ProducerFencedException
                    || cause instanceof InvalidPidMappingException
                    || cause instanceof UnsupportedVersionException
                    || isErrorState(cause));
  }

  /** The name of the failure that was fatal to a producer; the client may have wrapped it. */
  static String rootCauseName(Throwable failure) {
    List<Throwable> chain = Failures.chain(failure);
    return chain.get(chain.size() - 1).getClass().getSimpleName();
  }

  private static boolean isErrorState(Throwable failure) {
    String text = failure.getMessage();
    return (failure instanceof KafkaException || failure instanceof IllegalStateException)
        && text != null
        && text.contains("execute transactional method");
  }

  /**
   * Whether {@code send} has thrown it although the message is in the producer's buffer: the client
   * checks its state after that, and may still leave the state and send the message.
   */
  private static boolean isAfterAppend(Throwable failureOfSend) {
    return isErrorState(failureOfSend);
  }

  /** Whether the client's buffer had no capacity for the message. */
  static boolean isBufferFull(Throwable failureOfSend) {
    return failureOfSend instanceof BufferExhaustedException;
  }

  /** Whether the cluster states that the topic does not exist. */
  static boolean isTopicUnknown(Throwable failureOfDescription) {
    return Failures.unwrapped(failureOfDescription) instanceof UnknownTopicOrPartitionException;
  }

  /** Whether the right for a request is missing. */
  static boolean isUnauthorized(Throwable failure) {
    return Failures.unwrapped(failure) instanceof AuthorizationException;
  }

  /**
   * Whether a consumer group does not exist, or can't be described: by the cluster, or by the
   * client, since the members have another type of protocol, as those of Kafka Connect.
   */
  static boolean isGroupUnknown(Throwable failureOfDescription) {
    Throwable cause = Failures.unwrapped(failureOfDescription);
    return cause instanceof GroupIdNotFoundException
        || cause instanceof UnsupportedVersionException
        || cause instanceof IllegalArgumentException;
  }

  /** Whether the members of a group use a protocol that this client can't join with. */
  static boolean isOtherProtocol(Throwable failureOfJoin) {
    return Failures.unwrapped(failureOfJoin) instanceof InconsistentGroupProtocolException;
  }

  /** Whether a topic that could not be described may still be missing, or the cluster is down. */
  static boolean isStillMissing(Throwable failureOfDescription) {
    return Failures.unwrapped(failureOfDescription) instanceof RetriableException;
  }

  /** The failure of a publish to a topic that this publish or an earlier one did not find. */
  static PublishException topicMissing(Throwable failure, Destination to, String messageId) {
    return new PublishException(
        "COMMS-KAFKA-004",
        FailureKind.TRANSIENT,
        SendCertainty.NOT_SENT,
        to,
        messageId,
        text(failure)
            + " (expected: a topic that the cluster knows; checked every "
            + MissingTopics.PERIOD.toSeconds()
            + " s)",
        failure);
  }

  /**
   * Whether the message itself is the cause, and not the broker. Only the failure itself counts:
   * the client also wraps the failures of earlier messages.
   */
  static boolean isMessageRejected(Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    return isTooLarge(cause)
        || cause instanceof InvalidRecordException
        || cause instanceof SerializationException
        || cause instanceof InvalidTopicException;
  }

  /**
   * Explains the refusal of a dead letter that is too large for its topic. The source topic may
   * have accepted the record because its producer had compressed it. Other failures are returned as
   * they are.
   *
   * @param bytes the size of the letter before compression
   */
  static Throwable deadLetter(Throwable failure, String topic, long bytes) {
    if (!(Failures.unwrapped(failure) instanceof PublishException refused)) {
      return failure;
    }
    Throwable cause = refused.getCause();
    if (cause == null || !isTooLarge(cause)) {
      return failure;
    }
    return new PublishException(
        refused.code(),
        refused.kind(),
        refused.certainty(),
        refused.destination(),
        refused.messageId(),
        "dead letter bytes: "
            + bytes
            + " (expected: compressed at most max.message.bytes of topic "
            + topic
            + "; raise it, or set KafkaTransportConfig.compression): "
            + text(cause),
        cause);
  }

  private static boolean isTooLarge(Throwable failure) {
    return failure instanceof RecordTooLargeException
        || failure instanceof RecordBatchTooLargeException;
  }

  static SubscribeException subscribe(String what, Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    boolean permanent = isMessageRejected(cause) || isRefusal(cause);
    return new SubscribeException(
        "COMMS-KAFKA-006",
        permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        what + ": " + text(cause),
        cause);
  }

  /** The meaning of a failed commit. */
  enum CommitFailure {
    /** A later commit can succeed. */
    TRANSIENT,
    /** The partitions belong to another member. */
    NOT_A_MEMBER,
    /** No commit succeeds until an operator corrects the cause. */
    FATAL
  }

  /** Classifies a failed commit by the first conclusive failure in its chain of causes. */
  static CommitFailure commit(Exception failure) {
    return Failures.chain(failure).stream()
        .map(KafkaErrors::commitFailure)
        .filter(kind -> kind != CommitFailure.FATAL)
        .findFirst()
        .orElse(CommitFailure.FATAL);
  }

  private static CommitFailure commitFailure(Throwable failure) {
    if (failure instanceof RebalanceInProgressException || failure instanceof RetriableException) {
      return CommitFailure.TRANSIENT;
    }
    return failure instanceof CommitFailedException
            || failure instanceof FencedInstanceIdException
            || failure instanceof UnknownMemberIdException
            || failure instanceof IllegalGenerationException
            || failure instanceof StaleMemberEpochException
        ? CommitFailure.NOT_A_MEMBER
        : CommitFailure.FATAL;
  }

  static TransportException operation(String what, Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    return new TransportException(
        "COMMS-KAFKA-007", FailureKind.TRANSIENT, what + ": " + text(cause), cause);
  }

  /** The failure of a request that the broker has not answered in time. */
  static java.util.concurrent.TimeoutException noAnswer(String setting, Duration limit) {
    return new java.util.concurrent.TimeoutException(
        "no answer (expected: one within " + limit + ", " + setting + ")");
  }

  /**
   * Whether the cluster refuses this client, or the client the cluster: a right, the login, a
   * certificate, or the protocol of a group. Repeating the request does not help.
   */
  static boolean isRefusal(Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    return cause instanceof AuthorizationException
        || cause instanceof AuthenticationException
        || isOtherProtocol(cause);
  }

  /** Class and message of a failure, and of each cause whose message adds something. */
  static String text(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause : Failures.chain(Failures.unwrapped(failure))) {
      String message = cause.getMessage();
      if (text.length() == 0) {
        text.append(cause.getClass().getSimpleName()).append(message == null ? "" : ": " + message);
      } else if (message != null && text.indexOf(message) < 0) {
        text.append("; ").append(cause.getClass().getSimpleName()).append(": ").append(message);
      }
    }
    return text.append(hint(failure)).toString();
  }

  /** Why a client could not be created. The outermost message only states that. */
  static String rejectedSettings(Throwable failure) {
    List<Throwable> chain = Failures.chain(failure);
    return chain.subList(Math.min(1, chain.size() - 1), chain.size()).stream()
        .map(KafkaErrors::ownText)
        .distinct()
        .collect(Collectors.joining("; "));
  }

  /** A message of the client explains itself; that of another, such as a path, may not. */
  private static String ownText(Throwable cause) {
    String message = cause.getMessage();
    if (message == null) {
      return cause.getClass().getSimpleName();
    }
    return cause instanceof KafkaException || cause instanceof IllegalArgumentException
        ? message
        : cause.getClass().getSimpleName() + ": " + message;
  }

  /** Whether the login or the TLS handshake failed. */
  static boolean isFailedAuthentication(Throwable failure) {
    return Failures.unwrapped(failure) instanceof AuthenticationException;
  }

  private static String hint(Throwable failure) {
    return String.valueOf(failure.getMessage()).contains("thread has exited")
        ? " (the client's own thread has ended, with OutOfMemoryError if the port speaks TLS and"
            + " security.protocol does not)"
        : "";
  }

  /** A client needs a producer id first, which it gets with the right to write any topic. */
  private static String withoutProducerId(Throwable failure) {
    return "no producer id: "
        + failure.getMessage()
        + " (expected: the right WRITE on the topic, or on any)";
  }
}
