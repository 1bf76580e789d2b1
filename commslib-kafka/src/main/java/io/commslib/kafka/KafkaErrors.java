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
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.IllegalGenerationException;
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

/** The one place that reads the client's failures. */
final class KafkaErrors {

  private KafkaErrors() {}

  /**
   * Translates a failed publish. What failed before {@code send} returned was never handed to the
   * sender; whatever fails later may have reached a broker, unless the failure itself says that the
   * broker refused it. A missing permission says nothing of the message, and an operator can grant
   * it. A failure that is fatal to the producer is reported for every message in flight, too.
   */
  static PublishException publish(
      Throwable failure,
      boolean beforeHandOver,
      Destination to,
      String messageId,
      Duration publishTimeout) {
    Throwable cause = Failures.unwrapped(failure);
    boolean unauthorized = cause instanceof AuthorizationException;
    boolean refused = isMessageRejected(cause);
    String rule =
        cause instanceof TimeoutException
            ? " (expected: a confirmation within " + publishTimeout + ", publishTimeout)"
            : "";
    return new PublishException(
        refused ? "COMMS-KAFKA-003" : unauthorized ? "COMMS-KAFKA-013" : "COMMS-KAFKA-004",
        refused ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        (beforeHandOver && !isAfterAppend(cause))
                || refused
                || (unauthorized && !isFatalToProducer(cause))
            ? SendCertainty.NOT_SENT
            : SendCertainty.MAYBE_SENT,
        to,
        messageId,
        text(cause) + rule,
        failure);
  }

  /**
   * Whether the client found no such topic. It says so of a failure inside {@code send} only, where
   * it waits for nothing else but room.
   */
  static boolean isTopicMissing(Throwable failureOfSend) {
    return failureOfSend instanceof TimeoutException && !isBufferFull(failureOfSend);
  }

  /**
   * Whether the producer is in a fatal state and publishes nothing more. The client treats an
   * idempotent producer so after these failures of a batch (see {@code maybeTransitionToErrorState}
   * in its {@code TransactionManager}); after others, such as an unexpected answer to its request
   * for an id, it only says so when the next message is sent, by a text. A broken sequence or a
   * failed login is no such failure: the client goes on after those.
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

  /** The name of the failure that has ended a producer, which the client may wrap. */
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
   * Whether {@code send} has thrown it although the message lies in the producer's buffer: the
   * client looks at its state only then, and it may leave that state and send the message.
   */
  private static boolean isAfterAppend(Throwable failureOfSend) {
    return isErrorState(failureOfSend);
  }

  /** Whether the client's buffer had no room for the message. */
  static boolean isBufferFull(Throwable failureOfSend) {
    return failureOfSend instanceof BufferExhaustedException;
  }

  /** Whether the cluster says that it has no such topic. */
  static boolean isTopicUnknown(Throwable failureOfDescription) {
    return Failures.unwrapped(failureOfDescription) instanceof UnknownTopicOrPartitionException;
  }

  /** Whether a topic that could not be described may still be missing, or the cluster away. */
  static boolean isStillMissing(Throwable failureOfDescription) {
    return Failures.unwrapped(failureOfDescription) instanceof RetriableException;
  }

  /** The failure of a publish to a topic that was not found, by this publish or by one before. */
  static PublishException topicMissing(Throwable failure, Destination to, String messageId) {
    return new PublishException(
        "COMMS-KAFKA-004",
        FailureKind.TRANSIENT,
        SendCertainty.NOT_SENT,
        to,
        messageId,
        text(failure)
            + " (expected: a topic that the cluster knows; it is asked every "
            + MissingTopics.PERIOD.toSeconds()
            + " s)",
        failure);
  }

  /**
   * Whether it proves something about this message and says nothing about the broker. Only the
   * failure itself counts: the client also wraps the failure of an earlier message.
   */
  static boolean isMessageRejected(Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    return cause instanceof RecordTooLargeException
        || cause instanceof RecordBatchTooLargeException
        || cause instanceof InvalidRecordException
        || cause instanceof SerializationException
        || cause instanceof InvalidTopicException;
  }

  static SubscribeException subscribe(String what, Throwable failure) {
    Throwable cause = Failures.unwrapped(failure);
    boolean permanent =
        isMessageRejected(cause)
            || cause instanceof AuthorizationException
            || cause instanceof AuthenticationException;
    return new SubscribeException(
        "COMMS-KAFKA-006",
        permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        what + ": " + text(cause),
        cause);
  }

  /** What a failed commit means for who commits. */
  enum CommitFailure {
    /** The next one gets through. */
    TRANSIENT,
    /** The partitions are others' by now. */
    NOT_A_MEMBER,
    /** No commit will get through until somebody changes something. */
    FATAL
  }

  /** The first failure in the chain of causes that tells decides. */
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

  /** The failure of a request that the broker did not answer in time. */
  static java.util.concurrent.TimeoutException noAnswer(String setting, Duration limit) {
    return new java.util.concurrent.TimeoutException(
        "no answer (expected: one within " + limit + ", " + setting + ")");
  }

  private static String text(Throwable failure) {
    return failure.getClass().getSimpleName() + ": " + failure.getMessage();
  }
}
