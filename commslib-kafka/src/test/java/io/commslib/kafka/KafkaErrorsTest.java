package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.kafka.KafkaErrors.CommitFailure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.Test;

class KafkaErrorsTest {

  private static PublishException published(Throwable failure) {
    return KafkaErrors.publish(failure, false, Destination.topic("t"), "m", Duration.ofSeconds(1));
  }

  @Test
  void onlyWhatIsProvedOfTheMessageIsPermanent() {
    for (Throwable failure :
        List.of(
            new RecordTooLargeException("planted"),
            new RecordBatchTooLargeException("planted"),
            new InvalidRecordException("planted"),
            new SerializationException("planted"),
            new InvalidTopicException("planted"))) {
      for (Throwable carried : List.of(failure, new CompletionException(failure))) {
        assertThat(published(carried).kind()).as("%s", carried).isEqualTo(FailureKind.PERMANENT);
        assertThat(published(carried).code()).isEqualTo("COMMS-KAFKA-003");
        assertThat(published(carried).certainty()).isEqualTo(SendCertainty.NOT_SENT);
      }
      // The client says so of messages that it has not looked at, after the failure of another.
      assertThat(published(new KafkaException("a request before has failed", failure)).kind())
          .isEqualTo(FailureKind.TRANSIENT);
    }
    for (Throwable failure :
        List.of(
            new TimeoutException("planted"),
            new UnknownTopicOrPartitionException("planted"),
            new SaslAuthenticationException("planted"),
            new PolicyViolationException("planted"),
            new IllegalStateException("planted"))) {
      assertThat(published(failure).kind()).as("%s", failure).isEqualTo(FailureKind.TRANSIENT);
      assertThat(published(failure).code()).isEqualTo("COMMS-KAFKA-004");
    }
  }

  @Test
  void aMissingPermissionIsForAnOperatorToGrantAndSaysNothingOfTheMessage() {
    for (AuthorizationException failure :
        List.of(
            new TopicAuthorizationException("planted"),
            new ClusterAuthorizationException("planted"))) {
      PublishException told = published(failure);
      assertThat(told.kind()).isEqualTo(FailureKind.TRANSIENT);
      assertThat(told.certainty()).isEqualTo(SendCertainty.NOT_SENT);
      assertThat(told)
          .hasMessageMatching("COMMS-KAFKA-013: (Topic|Cluster)AuthorizationException: planted .*");
    }
  }

  @Test
  void theFirstFailureInTheChainThatTellsDecidesOfACommit() {
    assertThat(KafkaErrors.commit(new CommitFailedException("planted")))
        .isEqualTo(CommitFailure.NOT_A_MEMBER);
    assertThat(KafkaErrors.commit(new KafkaException(new CommitFailedException("planted"))))
        .isEqualTo(CommitFailure.NOT_A_MEMBER);
    assertThat(KafkaErrors.commit(new ExecutionException(new TimeoutException("planted"))))
        .isEqualTo(CommitFailure.PASSING);
    assertThat(
            KafkaErrors.commit(
                new RetriableCommitFailedException(new CommitFailedException("planted"))))
        .isEqualTo(CommitFailure.PASSING);
    assertThat(KafkaErrors.commit(new TopicAuthorizationException("planted")))
        .isEqualTo(CommitFailure.NEEDS_AN_OPERATOR);
  }
}
