package io.commslib.core.redrive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RedriveTest {

  private static final Destination ORDERS = Destination.queue("orders");
  private static final String GROUP = "main";

  private final VirtualTime time = VirtualTime.create();

  /** Real time, since one thread waits for the rate limit. */
  private final SystemRuntime real = SystemRuntime.create();

  private final InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build();
  private final List<RedriveAudit.Entry> entries = new ArrayList<>();
  private final List<String> handled = new ArrayList<>();
  private final Redrive redrive = builder().build();
  private boolean broken = true;

  private Redrive.Builder builder() {
    return builder(real);
  }

  private Redrive.Builder builder(CommsRuntime runtime) {
    return Redrive.builder(transport.deadLetters(), runtime)
        .maxPerSecond(100_000)
        .maxRedrives(2)
        .audit(entries::add);
  }

  @BeforeEach
  void subscribe() {
    transport.declare(DestinationConfig.builder(ORDERS).build());
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(ORDERS).build(),
            delivery -> {
              Message message = delivery.message();
              if (broken) {
                return Settlement.deadLetter(message.id().startsWith("p") ? "PRICE" : "STOCK");
              }
              handled.add(message.id());
              return Settlement.done();
            });
  }

  @AfterEach
  void close() {
    transport.close();
    real.close();
  }

  @Test
  void groupsByCauseWithTheMostFrequentFirst() {
    fail("p1:a", "s1:a", "p2:b", "p3:b");
    List<CauseGroup> groups = redrive.groups(ORDERS, GROUP);
    assertThat(groups).extracting(CauseGroup::fingerprint).containsExactly("PRICE", "STOCK");
    assertThat(groups.get(0).count()).isEqualTo(3);
    assertThat(groups.get(0).keys()).isEqualTo(2);
    assertThat(groups.get(0).sampleIdentity()).startsWith("p1 ");
    assertThat(groups.get(0).oldest()).isBefore(groups.get(0).newest());
  }

  @Test
  void aDryRunReturnsTheCountsAndSendsNothing() {
    fail("p1:a", "s1:a", "p2:b");
    assertThat(redrive.dryRun(ORDERS, GROUP, RedriveSelection.cause("PRICE")))
        .isEqualTo(new RedriveReport(2, 2, 0, 0));
    assertThat(ids()).containsExactly("p1", "s1", "p2");
    assertThat(entries).isEmpty();
  }

  @Test
  void redrivesByMessageCauseKeyOrAge() {
    fail("p1:a", "s1:a", "p2:b", "s2:b", "p3:c");
    broken = false;
    run(RedriveSelection.messages(Set.of("s2 /")));
    assertThat(handled).containsExactly("s2");
    run(RedriveSelection.key("a"));
    assertThat(handled).containsExactly("s2", "p1", "s1");
    run(RedriveSelection.all().oldest(1));
    assertThat(handled).containsExactly("s2", "p1", "s1", "p2");
    assertThat(ids()).containsExactly("p3");
  }

  @Test
  void aLetterAtTheCapAndLaterLettersOfItsKeyStay() {
    fail("p1:a");
    run(RedriveSelection.all());
    run(RedriveSelection.all());
    fail("p2:a", "p3:b");
    broken = false;
    assertThat(run(RedriveSelection.all())).isEqualTo(new RedriveReport(3, 1, 1, 1));
    assertThat(handled).containsExactly("p3");
    assertThat(redrive.groups(ORDERS, GROUP).get(0).quarantined()).isEqualTo(1);
    assertThat(run(RedriveSelection.messages(Set.of("p2 /"))))
        .as("it would overtake p1, though p1 is not selected")
        .isEqualTo(new RedriveReport(1, 0, 0, 1));
    run(RedriveSelection.all().includingQuarantined());
    assertThat(handled).containsExactly("p3", "p1", "p2");
  }

  @Test
  void limitsTheRate() throws Exception {
    fail("p1:a", "p2:a", "p3:a");
    broken = false;
    long start = time.time().nanoTime();
    Redrive slow = builder(time).maxPerSecond(10).build();
    CompletableFuture<RedriveReport> running =
        CompletableFuture.supplyAsync(
            () -> slow.run(ORDERS, GROUP, RedriveSelection.all(), "ops", "fixed"),
            body -> new Thread(body).start());
    while (!running.isDone()) {
      time.advance(Duration.ofMillis(1));
      Thread.onSpinWait();
    }
    assertThat(running.get(1, TimeUnit.SECONDS).sent()).isEqualTo(3);
    assertThat(Duration.ofNanos(time.time().nanoTime() - start))
        .isGreaterThanOrEqualTo(Duration.ofMillis(200));
  }

  @Test
  void theAuditRecordsActorReasonAndCount() {
    fail("p1:a", "p2:b");
    redrive.run(ORDERS, GROUP, RedriveSelection.cause("PRICE"), "ann", "price list is back");
    assertThat(entries)
        .extracting(RedriveAudit.Entry::phase, RedriveAudit.Entry::count)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(RedriveAudit.Phase.STARTED, 0),
            org.assertj.core.groups.Tuple.tuple(RedriveAudit.Phase.ENDED, 2));
    RedriveAudit.Entry end = entries.get(1);
    assertThat(end.actor()).isEqualTo("ann");
    assertThat(end.reason()).isEqualTo("price list is back");
    assertThat(end.selection()).isEqualTo("cause PRICE");
    assertThat(end.runId()).isEqualTo(entries.get(0).runId());
  }

  @Test
  void nothingIsSentIfTheAuditFails() {
    fail("p1:a");
    Redrive unaudited =
        builder()
            .audit(
                entry -> {
                  throw new IllegalStateException("audit is down");
                })
            .build();
    assertThatThrownBy(() -> unaudited.run(ORDERS, GROUP, RedriveSelection.all(), "ann", "why"))
        .hasMessage("audit is down");
    assertThat(ids()).containsExactly("p1");
  }

  @Test
  void aFailedRedriveCanBeRepeatedWithoutLoss() {
    fail("p1:a", "p2:a", "p3:a");
    broken = false;
    AtomicInteger sent = new AtomicInteger();
    Redrive failing =
        Redrive.builder(
                new FailingDeadLetters(transport.deadLetters(), () -> sent.incrementAndGet() > 2),
                real)
            .maxPerSecond(100_000)
            .audit(entries::add)
            .build();
    assertThatThrownBy(() -> failing.run(ORDERS, GROUP, RedriveSelection.all(), "ann", "why"))
        .isInstanceOf(TransportException.class);
    assertThat(entries.get(1).phase()).isEqualTo(RedriveAudit.Phase.FAILED);
    assertThat(entries.get(1).count()).isEqualTo(2);
    run(RedriveSelection.all());
    assertThat(handled).containsExactly("p1", "p2", "p3");
  }

  @Test
  void discardRemovesPermanentlyAndIsAudited() {
    fail("p1:a", "s1:a");
    assertThat(redrive.discard(ORDERS, GROUP, RedriveSelection.cause("STOCK"), "ann", "obsolete"))
        .isEqualTo(1);
    assertThat(ids()).containsExactly("p1");
    assertThat(entries)
        .extracting(RedriveAudit.Entry::action)
        .containsOnly(RedriveAudit.Action.DISCARD);
  }

  @Test
  void anErrorOfTheAuditEndsTheActionWithoutLoss() {
    fail("p1:a", "p2:b");
    broken = false;
    List<RedriveAudit.Phase> phases =
        List.of(RedriveAudit.Phase.STARTED, RedriveAudit.Phase.FAILED, RedriveAudit.Phase.ENDED);
    assertThat(phases).containsExactlyInAnyOrder(RedriveAudit.Phase.values());
    for (RedriveAudit.Phase phase : phases) {
      Redrive audited =
          builder()
              .audit(
                  entry -> {
                    if (entry.phase() == phase) {
                      throw new NoClassDefFoundError("planted at " + phase);
                    }
                  })
              .build();
      Redrive failing =
          Redrive.builder(new FailingDeadLetters(transport.deadLetters(), () -> true), time)
              .audit(
                  entry -> {
                    if (entry.phase() == phase) {
                      throw new NoClassDefFoundError("planted at " + phase);
                    }
                  })
              .build();
      if (phase == RedriveAudit.Phase.FAILED) {
        assertThatThrownBy(() -> failing.run(ORDERS, GROUP, RedriveSelection.all(), "ann", "why"))
            .as("the failure is not hidden")
            .isInstanceOf(TransportException.class)
            .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
      } else {
        assertThatThrownBy(() -> audited.run(ORDERS, GROUP, RedriveSelection.all(), "ann", "why"))
            .isInstanceOf(NoClassDefFoundError.class);
      }
      if (phase == RedriveAudit.Phase.STARTED) {
        assertThat(ids()).as("nothing was sent").containsExactly("p1", "p2");
      }
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(ids()).isEmpty();
    assertThat(handled).containsExactly("p1", "p2");
  }

  @Test
  void refusesWrongValuesWithTheRule() {
    assertThatThrownBy(() -> builder().maxPerSecond(0))
        .hasMessage("maxPerSecond: 0 (expected: 1..100000)");
    assertThatThrownBy(() -> builder().maxRedrives(0))
        .hasMessage("maxRedrives: 0 (expected: 1..1000)");
    assertThatThrownBy(() -> RedriveSelection.messages(Set.of()))
        .hasMessage("identities: [] (expected: at least one)");
    assertThatThrownBy(() -> redrive.run(ORDERS, GROUP, RedriveSelection.all(), " ", "why"))
        .hasMessage("actor: '' (expected: the person or job that asks for it)");
    assertThatThrownBy(() -> redrive.run(ORDERS, GROUP, RedriveSelection.all(), "ann", ""))
        .hasMessage("reason: '' (expected: a text that is not blank)");
  }

  private RedriveReport run(RedriveSelection selection) {
    RedriveReport report = redrive.run(ORDERS, GROUP, selection, "ann", "fixed");
    time.advance(Duration.ofSeconds(1));
    return report;
  }

  /** Publishes messages given as id:key and lets them fail. */
  private void fail(String... messages) {
    broken = true;
    for (String message : messages) {
      String[] parts = message.split(":", 2);
      transport
          .publisher()
          .publish(
              ORDERS,
              Message.builder("shop.order")
                  .id(parts[0])
                  .key(parts[1])
                  .body("{}".getBytes(StandardCharsets.UTF_8))
                  .build());
      time.advance(Duration.ofSeconds(1));
    }
  }

  private List<String> ids() {
    return transport.deadLetters().list(ORDERS, GROUP, 100).stream()
        .map(letter -> letter.messageId())
        .toList();
  }
}
