package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import javax.net.ssl.SSLHandshakeException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.junit.jupiter.api.Test;

class BrokerWatchTest {

  private static final CompletionStage<?> ANSWER = CompletableFuture.completedStage("id");

  private final VirtualTime time = VirtualTime.create();
  private final AtomicInteger probes = new AtomicInteger();
  private Supplier<CompletionStage<?>> next = () -> ANSWER;
  private final BrokerWatch watch =
      new BrokerWatch(
          time,
          "host:9092",
          () -> {
            probes.incrementAndGet();
            return next.get();
          });

  @Test
  void aFailedProbeIsReportedAndTheNextAnswerClearsIt() {
    watch.start();
    assertThat(watch.reason()).isEmpty();
    next = () -> CompletableFuture.failedStage(new TimeoutException("no node"));
    time.advance(BrokerWatch.PERIOD);
    assertThat(watch.reason())
        .isEqualTo(
            "the Kafka cluster at host:9092 has not answered for 2 s: TimeoutException: no node");
    next = () -> ANSWER;
    time.advance(BrokerWatch.PERIOD);
    assertThat(watch.reason()).isEmpty();
  }

  @Test
  void aFailedAuthenticationIsReportedWithItsRootCause() {
    next =
        () ->
            CompletableFuture.failedStage(
                new SslAuthenticationException(
                    "SSL handshake failed",
                    new SSLHandshakeException("No subject alternative names present")));
    watch.start();
    assertThat(watch.reason())
        .isEqualTo(
            "authentication with the Kafka cluster at host:9092 failed:"
                + " SslAuthenticationException: SSL handshake failed; SSLHandshakeException: No"
                + " subject alternative names present");
    next = () -> CompletableFuture.failedStage(new TimeoutException("no node"));
    time.advance(BrokerWatch.PERIOD);
    assertThat(watch.reason()).contains("has not answered for 2 s: TimeoutException: no node");
  }

  @Test
  void aHangingProbeIsReportedWithinTenSeconds() {
    watch.start();
    next = CompletableFuture::new;
    time.advance(Duration.ofSeconds(10));
    assertThat(watch.reason())
        .isEqualTo("the Kafka cluster at host:9092 has not answered for 10 s");
  }

  @Test
  void aProbeThatThrowsAnErrorIsRepeated() {
    next =
        () -> {
          throw new OutOfMemoryError("planted");
        };
    watch.start();
    assertThat(watch.reason()).endsWith("has not answered for 0 s: OutOfMemoryError: planted");
    next = () -> ANSWER;
    time.advance(BrokerWatch.PERIOD);
    assertThat(watch.reason()).isEmpty();
  }

  @Test
  void aClusterThatRejectsTheProbeIsReachable() {
    for (Exception refusal :
        List.of(new ClusterAuthorizationException("no"), new UnsupportedVersionException("old"))) {
      next = () -> CompletableFuture.failedStage(new CompletionException(refusal));
      watch.start();
      time.advance(Duration.ofSeconds(30));
      assertThat(watch.reason()).isEmpty();
    }
  }

  @Test
  void probesOnceAPeriodAndStopsWhenClosed() {
    watch.start();
    for (int second = 0; second < 60; second++) {
      time.advance(Duration.ofSeconds(1));
    }
    assertThat(probes).hasValue(31);
    watch.close();
    time.advance(Duration.ofSeconds(60));
    assertThat(probes).hasValue(31);
  }
}
