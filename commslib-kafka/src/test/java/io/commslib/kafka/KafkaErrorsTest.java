package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.kafka.KafkaErrors.CommitFailure;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import javax.net.ssl.SSLHandshakeException;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaErrorsTest {

  private static PublishException published(Throwable failure) {
    return KafkaErrors.publish(failure, false, Destination.topic("t"), "m", Duration.ofSeconds(1));
  }

  @Test
  void aDeadLetterThatIsTooLargeNamesItsSizeItsTopicAndTheSetting() {
    PublishException refused = published(new RecordTooLargeException("too large"));
    assertThat(KafkaErrors.deadLetter(new CompletionException(refused), "t.DLT", 5_000_000))
        .hasMessage(
            "COMMS-KAFKA-003: dead letter bytes: 5000000 (expected: compressed at most"
                + " max.message.bytes of topic t.DLT; raise it, or set"
                + " KafkaTransportConfig.compression): RecordTooLargeException: too large (NOT_SENT,"
                + " topic:t, message m)");
    for (Throwable other :
        List.of(published(new InvalidTopicException("no")), new IllegalStateException("no"))) {
      assertThat(KafkaErrors.deadLetter(other, "t.DLT", 1)).isSameAs(other);
    }
  }

  @Test
  void onlyAFailureCausedByTheMessageIsPermanent() {
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
      // The client reports this for messages that it has not tried, after the failure of another.
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
  void aGroupOfAnotherTypeIsNotKnown() {
    Throwable connect =
        new IllegalArgumentException("GroupId g is not a consumer group (connect).");
    assertThat(KafkaErrors.isGroupUnknown(new ExecutionException(connect))).isTrue();
    assertThat(KafkaErrors.isGroupUnknown(new TimeoutException("planted"))).isFalse();
  }

  @Test
  void aMissingPermissionIsTransient() {
    Map<AuthorizationException, SendCertainty> failures =
        Map.of(
            new TopicAuthorizationException("planted"),
            SendCertainty.NOT_SENT,
            // The client reports it for all messages in flight.
            new ClusterAuthorizationException("planted"),
            SendCertainty.MAYBE_SENT);
    failures.forEach(
        (failure, certainty) -> {
          PublishException exception = published(failure);
          assertThat(exception.kind()).isEqualTo(FailureKind.TRANSIENT);
          assertThat(exception.certainty()).isEqualTo(certainty);
          assertThat(exception)
              .hasMessageMatching(
                  "COMMS-KAFKA-013: (TopicAuthorizationException: planted"
                      + "|no producer id: planted \\(expected: the right WRITE on the topic, or on"
                      + " any\\)) .*");
        });
  }

  @Test
  void theTextStatesEachCauseOnce() {
    Throwable root = new CertificateException("NotAfter: yesterday");
    assertThat(
            KafkaErrors.subscribe(
                "declare",
                new ExecutionException(
                    new SslAuthenticationException(
                        "SSL handshake failed",
                        new SSLHandshakeException("NotAfter: yesterday").initCause(root)))))
        .hasMessage(
            "COMMS-KAFKA-006: declare: SslAuthenticationException: SSL handshake failed;"
                + " SSLHandshakeException: NotAfter: yesterday")
        .extracting(failure -> ((CommsException) failure).kind())
        .isEqualTo(FailureKind.PERMANENT);
    assertThat(KafkaErrors.text(new KafkaException(root)))
        .isEqualTo(
            "KafkaException: " + CertificateException.class.getName() + ": NotAfter: yesterday");
    assertThat(KafkaErrors.text(new IllegalStateException())).isEqualTo("IllegalStateException");
  }

  /** Compares with the client's own state machine of an idempotent producer. */
  @Test
  void theFailuresThatAreFatalToAProducerAreThoseOfTheClient() throws Exception {
    List<String> fatal = new ArrayList<>();
    for (Errors error : Errors.values()) {
      ApiException failure = error.exception();
      if (failure == null) {
        continue;
      }
      RuntimeException rejection = rejectionAfter(failure);
      boolean isFatal = rejection != null;
      assertThat(KafkaErrors.isFatalToProducer(failure)).as("%s", error).isEqualTo(isFatal);
      if (rejection != null) {
        fatal.add(error.name());
        assertThat(KafkaErrors.isFatalToProducer(rejection)).as("%s", rejection).isTrue();
      }
    }
    assertThat(fatal)
        .containsExactlyInAnyOrder(
            "CLUSTER_AUTHORIZATION_FAILED",
            "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
            "PRODUCER_FENCED",
            "UNSUPPORTED_VERSION",
            "INVALID_PRODUCER_ID_MAPPING");
    // A failed request for a producer id, and an unexpected state of the client.
    for (RuntimeException failure :
        List.of(new KafkaException("Unexpected error"), new IllegalStateException("planted"))) {
      Object state = idempotentProducer();
      call(state, "transitionToFatalError", RuntimeException.class, failure);
      RuntimeException rejection = Objects.requireNonNull(rejection(state));
      assertThat(KafkaErrors.isFatalToProducer(rejection)).as("%s", rejection).isTrue();
    }
  }

  /** The client's rejection of the next message after such a failure; null if it accepts it. */
  private static @Nullable RuntimeException rejectionAfter(RuntimeException failure)
      throws Exception {
    Object state = idempotentProducer();
    call(state, "maybeTransitionToErrorState", RuntimeException.class, failure);
    return rejection(state);
  }

  private static @Nullable RuntimeException rejection(Object state) throws Exception {
    try {
      call(state, "maybeAddPartition", TopicPartition.class, new TopicPartition("t", 0));
      return null;
    } catch (InvocationTargetException e) {
      return (RuntimeException) e.getCause();
    }
  }

  private static Object idempotentProducer() throws Exception {
    Class<?> type = Class.forName("org.apache.kafka.clients.producer.internals.TransactionManager");
    Constructor<?> constructor = type.getConstructors()[0];
    Object log = constructor.getParameterTypes()[0].getConstructor().newInstance();
    return constructor.newInstance(log, null, 60_000, 100L, new ApiVersions(), null, false);
  }

  private static void call(Object target, String name, Class<?> type, Object argument)
      throws Exception {
    Method method = target.getClass().getDeclaredMethod(name, type);
    method.setAccessible(true);
    method.invoke(target, argument);
  }

  @Test
  void theFirstConclusiveFailureInTheChainClassifiesACommit() {
    assertThat(KafkaErrors.commit(new CommitFailedException("planted")))
        .isEqualTo(CommitFailure.NOT_A_MEMBER);
    assertThat(KafkaErrors.commit(new KafkaException(new CommitFailedException("planted"))))
        .isEqualTo(CommitFailure.NOT_A_MEMBER);
    assertThat(KafkaErrors.commit(new ExecutionException(new TimeoutException("planted"))))
        .isEqualTo(CommitFailure.TRANSIENT);
    assertThat(
            KafkaErrors.commit(
                new RetriableCommitFailedException(new CommitFailedException("planted"))))
        .isEqualTo(CommitFailure.TRANSIENT);
    assertThat(KafkaErrors.commit(new TopicAuthorizationException("planted")))
        .isEqualTo(CommitFailure.FATAL);
  }
}
