package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Records that may crash their process run alone, and the beginning of each attempt is noted. */
class RunAloneTest {

  private final EngineFixture fixture = new EngineFixture();
  private final List<String> notes = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger failingNotes = new AtomicInteger();

  /** A suspected record with a number of unfinished attempts. */
  private final class Suspect implements RawDelivery {
    private final String id;
    private final int unfinished;

    Suspect(String id, int unfinished) {
      this.id = id;
      this.unfinished = unfinished;
    }

    @Override
    public Object scope() {
      return fixture;
    }

    @Override
    public Optional<String> laneKey() {
      return Optional.of(id);
    }

    @Override
    public int sizeBytes() {
      return 1;
    }

    @Override
    public int priorDeliveries() {
      return 1_000;
    }

    @Override
    public int unfinishedAttempts() {
      return unfinished;
    }

    @Override
    public boolean runsAlone() {
      return true;
    }

    @Override
    public void beginAttempt() {
      if (failingNotes.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new SubscribeException("COMMS-TEST-001", FailureKind.TRANSIENT, "no note", null);
      }
      notes.add("begin " + id);
    }

    @Override
    public void endAttempt() {
      notes.add("end " + id);
    }

    @Override
    public ForeignRecord wire() {
      return EngineFixture.wire(id, id);
    }

    @Override
    public String positionText() {
      return id;
    }
  }

  /** Waits, because an attempt ends shortly after its handler has returned. */
  private void awaitNotes(int count) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (notes.size() < count && System.nanoTime() - limit < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void runsAloneAndTheOthersRunInParallelAfterwards() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      AtomicInteger running = new AtomicInteger();
      List<String> beside = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch four = new CountDownLatch(4);
      CountDownLatch all = new CountDownLatch(44);
      fixture.start(
          fixture.config().workers(4).build(),
          delivery -> {
            String id = delivery.message().id();
            int now = running.incrementAndGet();
            if (id.startsWith("parallel")) {
              four.countDown();
              four.await(30, TimeUnit.SECONDS);
            } else {
              LockSupport.parkNanos(2_000_000);
              if (id.startsWith("suspect") && (now != 1 || running.get() != 1)) {
                beside.add(id);
              }
            }
            running.decrementAndGet();
            all.countDown();
            return Settlement.done();
          },
          system,
          CommsObserver.none());
      for (int i = 0; i < 20; i++) {
        fixture.accept("m" + i, "k" + i);
        fixture.engine().accept(new Suspect("suspect" + i, 0));
      }
      for (int i = 0; i < 4; i++) {
        fixture.accept("parallel" + i, "p" + i);
      }
      assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(beside).isEmpty();
      assertThat(four.getCount()).isZero();
      awaitNotes(40);
      assertThat(notes).hasSize(40);
      for (int i = 0; i < 40; i += 2) {
        String id = notes.get(i).substring("begin ".length());
        assertThat(notes.subList(i, i + 2)).containsExactly("begin " + id, "end " + id);
      }
      fixture.engine().close();
    }
  }

  @Test
  void aHandlerThatDoesNotReturnDelaysNoOtherRecord() throws Exception {
    try (SystemRuntime system = SystemRuntime.create()) {
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch others = new CountDownLatch(2);
      fixture.start(
          fixture.config().workers(4).handlerDeadline(Duration.ofMillis(20)).build(),
          delivery -> {
            if (delivery.message().id().startsWith("stuck")) {
              while (release.getCount() > 0) {
                try {
                  release.await();
                } catch (InterruptedException e) {
                  continue;
                }
              }
            }
            others.countDown();
            return Settlement.done();
          },
          system,
          CommsObserver.none());
      fixture.engine().accept(new Suspect("stuck", 0));
      fixture.accept("m", "k");
      fixture.engine().accept(new Suspect("suspect", 0));
      assertThat(others.await(30, TimeUnit.SECONDS)).isTrue();
      awaitNotes(3);
      assertThat(notes).containsExactly("begin stuck", "begin suspect", "end suspect");
      release.countDown();
      fixture.engine().close();
    }
  }

  @Test
  void isDeadLetteredForItsUnfinishedAttemptsNotForItsDeliveries() {
    int limit = 1 + AttemptRunner.CRASH_MARGIN;
    fixture.start(
        fixture.config().retry(RetrySchedule.builder().attemptsAtOnce(1).delays().build()).build(),
        delivery -> Settlement.done());
    fixture.engine().accept(new Suspect("healthy", limit - 1));
    fixture.engine().accept(new Suspect("killer", limit));
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.acknowledged()).containsExactly("healthy", "killer");
    assertThat(fixture.deadLetters())
        .singleElement()
        .satisfies(
            letter ->
                assertThat(letter.texts()).containsEntry("commslib-dlq-reason", "CRASH_LOOP"));
    assertThat(notes)
        .as("its note goes with it")
        .containsExactly("begin healthy", "end healthy", "begin killer");
  }

  @Test
  void anAttemptThatCanNotBeNotedIsNeitherMadeNorCounted() {
    failingNotes.set(3);
    List<Integer> attempts = new ArrayList<>();
    fixture.start(
        fixture.config().retry(RetrySchedule.builder().attemptsAtOnce(1).delays().build()).build(),
        delivery -> {
          attempts.add(delivery.attempt());
          return Settlement.done();
        });
    fixture.engine().accept(new Suspect("s", 0));
    fixture.time().advance(Duration.ofMillis(1));
    assertThat(fixture.engine().health().reason()).contains("COMMS-TEST-001");
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(attempts).containsExactly(1_001);
    assertThat(fixture.acknowledged()).containsExactly("s");
    assertThat(fixture.deadLetters()).isEmpty();
  }

  @Test
  void eachAttemptIsNotedAndKeepsItsNoteAfterAnErrorOfTheJvm() {
    AtomicInteger calls = new AtomicInteger();
    fixture.start(
        fixture.config().build(),
        delivery -> {
          switch (calls.incrementAndGet()) {
            case 1 -> throw new IllegalStateException("failed");
            case 2 -> throw new OutOfMemoryError("gone");
            default -> {
              return Settlement.done();
            }
          }
        });
    fixture.engine().accept(new Suspect("s", 0));
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).containsExactly("s");
    assertThat(notes).containsExactly("begin s", "end s", "begin s", "begin s", "end s");
  }

  @Test
  void isNeverPartOfABatch() {
    List<List<String>> batches = new ArrayList<>();
    fixture.start(
        fixture.config().batch(BatchBounds.of(10)).build(),
        new BatchHandler() {
          @Override
          public List<Settlement> handleAll(List<Delivery> deliveries) {
            batches.add(deliveries.stream().map(delivery -> delivery.message().id()).toList());
            return Collections.nCopies(deliveries.size(), Settlement.done());
          }

          @Override
          public Settlement handle(Delivery delivery) {
            batches.add(List.of(delivery.message().id() + " alone"));
            return Settlement.done();
          }
        });
    fixture.engine().pause();
    fixture.accept("a", "a").accept("b", "b");
    fixture.engine().accept(new Suspect("s", 0));
    fixture.accept("c", "c");
    fixture.engine().resume();
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(batches).contains(List.of("s alone")).hasSize(2);
    assertThat(fixture.acknowledged()).hasSize(4);
    assertThat(notes).containsExactly("begin s", "end s");
  }
}
