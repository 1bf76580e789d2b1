package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.TransportException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.IllegalGenerationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownMemberIdException;

/** The one place that reads the client's failures. */
final class KafkaErrors {

  private KafkaErrors() {}

  /**
   * Translates a failed publish. What failed before {@code send} returned was never handed to the
   * sender; whatever fails later may have reached a broker, unless the failure itself says that the
   * broker refused it.
   */
  static PublishException publish(
      Throwable failure,
      boolean beforeHandOver,
      Destination to,
      String messageId,
      Duration publishTimeout) {
    boolean refused = isRefusal(failure);
    String rule =
        failure instanceof TimeoutException
            ? " (expected: a confirmation within " + publishTimeout + ", publishTimeout)"
            : "";
    return new PublishException(
        refused ? "COMMS-KAFKA-003" : "COMMS-KAFKA-004",
        refused ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        beforeHandOver || refused ? SendCertainty.NOT_SENT : SendCertainty.MAYBE_SENT,
        to,
        messageId,
        text(failure) + rule,
        failure);
  }

  /** Whether it says something of this message only, and nothing of the broker. */
  static boolean isOfTheMessage(Throwable failure) {
    return failure instanceof RecordTooLargeException
        || failure instanceof RecordBatchTooLargeException
        || failure instanceof InvalidRecordException
        || failure instanceof SerializationException
        || failure instanceof InvalidTopicException;
  }

  private static boolean isRefusal(Throwable failure) {
    return isOfTheMessage(failure) || failure instanceof AuthorizationException;
  }

  static SubscribeException subscribe(String what, Throwable failure) {
    Throwable cause = unwrapped(failure);
    boolean permanent = isRefusal(cause) || cause instanceof AuthenticationException;
    return new SubscribeException(
        "COMMS-KAFKA-006",
        permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        what + ": " + text(cause),
        cause);
  }

  /** What a failed commit means for who commits. */
  enum CommitFailure {
    /** The next one gets through. */
    PASSING,
    /** The partitions are others' by now. */
    NOT_A_MEMBER,
    /** No commit will get through until somebody changes something. */
    NEEDS_SOMEBODY
  }

  static CommitFailure commit(Exception failure) {
    if (failure instanceof RebalanceInProgressException || failure instanceof RetriableException) {
      return CommitFailure.PASSING;
    }
    if (failure instanceof CommitFailedException
        || failure instanceof FencedInstanceIdException
        || failure instanceof UnknownMemberIdException
        || failure instanceof IllegalGenerationException
        || failure instanceof StaleMemberEpochException) {
      return CommitFailure.NOT_A_MEMBER;
    }
    return CommitFailure.NEEDS_SOMEBODY;
  }

  static TransportException operation(String what, Throwable failure) {
    Throwable cause = unwrapped(failure);
    return new TransportException(
        "COMMS-KAFKA-007", FailureKind.TRANSIENT, what + ": " + text(cause), cause);
  }

  static Throwable unwrapped(Throwable failure) {
    Throwable inner = failure;
    while ((inner instanceof ExecutionException || inner instanceof CompletionException)
        && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
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
