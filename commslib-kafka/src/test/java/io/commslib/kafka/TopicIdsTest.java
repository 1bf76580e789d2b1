package io.commslib.kafka;

import static io.commslib.kafka.OffsetScenario.FIRST;
import static io.commslib.kafka.OffsetScenario.SECOND;
import static io.commslib.kafka.OffsetScenario.SOURCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jackson.PlainFormat;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

/** When the poll thread asks for the ids of topics, and what waits for the answer. */
class TopicIdsTest {

  private static final Duration OPERATION = Duration.ofSeconds(15);
  private static final SubscriptionConfig SUBSCRIPTION =
      SubscriptionConfig.builder(SOURCE, "main").startAt(StartPosition.EARLIEST).workers(2).build();

  private final List<Duration> limits = new ArrayList<>();
  private int failing;

  private Map<String, Uuid> request(Set<String> topics, Duration limit) {
    limits.add(limit);
    if (failing > 0) {
      failing--;
      throw new KafkaException("no answer");
    }
    Map<String, Uuid> ids = new HashMap<>();
    topics.forEach(topic -> ids.put(topic, new Uuid(1, 1)));
    return ids;
  }

  private static MessageFormat withoutId() {
    PlainFormatBuilder format = PlainFormat.json().type("t");
    return format.build();
  }

  private OffsetScenario assigned(Faults faults) {
    OffsetScenario scenario =
        new OffsetScenario(
            SUBSCRIPTION, faults, TopicIds.of(withoutId(), OPERATION, this::request));
    for (TopicPartition partition : Set.of(FIRST, SECOND)) {
      scenario.broker.partition(partition);
      scenario.broker.append(partition, 0, 0, null);
    }
    scenario.broker.assign(Set.of(FIRST, SECOND));
    return scenario;
  }

  @Test
  void noRecordIsHandedOnBeforeTheIdOfItsTopicIsKnown() {
    failing = 3;
    try (OffsetScenario scenario = assigned(Faults.none())) {
      while (failing > 0) {
        scenario.pass();
        assertThat(scenario.handledCount()).isZero();
      }
      assertThat(scenario.broker.polls()).as("the loop polls meanwhile").isGreaterThan(10);
      assertThat(scenario.loop.lastError()).contains("no answer");
      scenario.run();
      scenario.check(true);
      assertThat(scenario.loop.lastError()).isEmpty();
    }
  }

  /** The topic may have been recreated meanwhile, and the id of before be that of other records. */
  @Test
  void noRecordIsHandedOnAgainBeforeTheIdOfItsTopicIsKnownAgain() {
    boolean[] fails = new boolean[1];
    Faults faults = Faults.named(name -> fails[0] && name.equals("after consumer.poll"));
    try (OffsetScenario scenario = assigned(faults)) {
      scenario.pass();
      assertThat(limits).as("of the assignment").hasSize(1);
      scenario.broker.append(FIRST, 1, 0, null);
      scenario.broker.append(SECOND, 1, 0, null);
      fails[0] = true;
      scenario.pass();
      fails[0] = false;
      failing = 3;
      int handled = scenario.handledCount();
      for (int pass = 0; failing > 0; pass++) {
        assertThat(pass).as("it is asked again").isLessThan(100);
        scenario.pass();
        assertThat(scenario.handledCount()).isEqualTo(handled);
      }
      assertThat(scenario.loop.lastError()).contains("no answer");
      scenario.run();
      scenario.check(true);
      assertThat(scenario.handledCount()).isGreaterThan(handled);
      assertThat(scenario.loop.lastError()).isEmpty();
    }
  }

  @Test
  void theIdIsRequestedAfterTheCommittedOffsetsWereRead() {
    Faults faults = Faults.named(name -> name.equals("before consumer.committed"));
    try (OffsetScenario scenario = assigned(faults)) {
      for (int pass = 0; pass < 30; pass++) {
        scenario.pass();
      }
      assertThat(limits).isEmpty();
      assertThat(scenario.loop.lastError()).contains("consumer.committed");
    }
  }

  @Test
  void thePollThreadWaitsAtMostThreeSecondsAndAsksOnceInAPass() {
    boolean[] fails = new boolean[1];
    Faults faults = Faults.named(name -> fails[0] && name.equals("after consumer.poll"));
    try (OffsetScenario scenario = assigned(faults)) {
      scenario.pass();
      assertThat(limits).as("for both partitions of an assignment").hasSize(1);
      fails[0] = true;
      scenario.pass();
      fails[0] = false;
      scenario.pass();
      assertThat(limits).as("for both repositioned partitions").hasSize(2);
      scenario.run();
      scenario.check(true);
    }
    assertThat(limits).containsOnly(Duration.ofSeconds(3));
    limits.clear();
    Duration shorter = Duration.ofSeconds(1);
    TopicIds.of(withoutId(), shorter, this::request).of(Set.of("t"));
    TopicIds.of(withoutId(), OPERATION, this::request).require("t");
    assertThat(limits).containsExactly(shorter, OPERATION);
  }

  @Test
  void aBrokerThatDoesNotAnswerDelaysTheRequestForItsLimitOnly() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 9, InetAddress.getLoopbackAddress());
        SystemRuntime runtime = SystemRuntime.create()) {
      TopicAdmin admin =
          new TopicAdmin(
              KafkaTransportConfig.builder("127.0.0.1:" + silent.getLocalPort())
                  .operationTimeout(Duration.ofMinutes(5))
                  .build(),
              runtime.time());
      try {
        long start = System.nanoTime();
        assertThatThrownBy(() -> admin.ids(Set.of("t", "u"), Duration.ofMillis(200)))
            .isInstanceOf(SubscribeException.class)
            .hasMessageStartingWith("COMMS-KAFKA-006: describe topic ");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
      } finally {
        silent.close();
        admin.close();
      }
    }
  }
}
