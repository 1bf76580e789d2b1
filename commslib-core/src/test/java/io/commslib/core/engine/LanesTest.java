package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.BatchBounds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random operations, each followed by a check of all links and counts of the lanes. */
class LanesTest {

  private final IntakeBounds intake = new IntakeBounds(1_000_000, 1L << 40);
  private final Lanes lanes = new Lanes(intake, true);
  private final EngineFixture fixture = new EngineFixture();
  private int accepted;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void keepsOrderAndCountsOverRandomOperations(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int step = 0; step < 5_000; step++) {
      operate(random);
      verify();
    }
    while (lanes.oldest() != null) {
      lanes.remove(lanes.oldest(), false);
      verify();
    }
    assertThat(lanes.size()).isZero();
    assertThat(lanes.laneCount()).isZero();
    assertThat(lanes.firstReady()).isNull();
    assertThat(lanes.active()).isEmpty();
    assertThat(intake.waitingCount()).isZero();
  }

  private void operate(SplittableRandom random) {
    List<LaneEntry> entries = entries();
    LaneEntry any = entries.isEmpty() ? null : entries.get(random.nextInt(entries.size()));
    int dice = random.nextInt(100);
    if (dice < 40 || any == null) {
      String key = random.nextInt(4) == 0 ? null : "k" + random.nextInt(5);
      String id = "m" + accepted++;
      lanes.add(fixture.delivery(id, key, EngineFixture.wire(id, key)), accepted);
    } else if (dice < 55) {
      lanes.takeReady();
    } else if (dice < 65) {
      List<LaneEntry> batch = lanes.takeBatch(1 + random.nextInt(5), 1L << 40);
      // Some are finished, up to the first unfinished one of each key; the others return.
      List<Lane> stopped = new ArrayList<>();
      List<LaneEntry> back = new ArrayList<>();
      for (LaneEntry entry : batch) {
        if (stopped.contains(entry.lane) || random.nextBoolean()) {
          back.add(0, entry);
          stopped.add(entry.lane);
        } else {
          lanes.remove(entry, true);
        }
      }
      back.forEach(lanes::returnToLane);
    } else if (any.state == LaneEntry.State.ACTIVE) {
      if (random.nextInt(3) == 0) {
        lanes.startWaiting(any);
      } else if (random.nextBoolean()) {
        lanes.makeReady(any, random.nextBoolean());
      } else {
        lanes.remove(any, random.nextBoolean());
      }
    } else if (any.state == LaneEntry.State.WAITING && random.nextBoolean()) {
      assertThat(lanes.endWaiting(any)).isTrue();
    } else if (dice > 85) {
      lanes.remove(any, random.nextBoolean());
    }
  }

  private List<LaneEntry> entries() {
    List<LaneEntry> entries = new ArrayList<>();
    for (LaneEntry entry = lanes.oldest(); entry != null; entry = entry.younger) {
      entries.add(entry);
    }
    return entries;
  }

  private void verify() {
    Map<String, LaneEntry> heads = new HashMap<>();
    Map<String, LaneEntry> last = new HashMap<>();
    int waiting = 0;
    int ready = 0;
    int active = 0;
    long age = Long.MIN_VALUE;
    List<LaneEntry> entries = entries();
    for (LaneEntry entry : entries) {
      assertThat(entry.receivedNanos).isGreaterThan(age);
      age = entry.receivedNanos;
      LaneEntry head = entry;
      if (entry.lane != null) {
        head = heads.computeIfAbsent(entry.lane.key, key -> entry);
        assertThat(entry.lane.head).isSameAs(head);
        LaneEntry before = last.put(entry.lane.key, entry);
        if (before != null) {
          assertThat(before.nextInLane).isSameAs(entry);
          assertThat(entry.state).isEqualTo(LaneEntry.State.QUEUED);
        }
      }
      waiting += head.state == LaneEntry.State.WAITING ? 1 : 0;
      ready += head.state == LaneEntry.State.READY ? 1 : 0;
      if (entry.state == LaneEntry.State.ACTIVE) {
        active++;
        assertThat(lanes.active().get(entry.activeIndex)).isSameAs(entry);
      }
    }
    assertThat(lanes.size()).isEqualTo(entries.size());
    assertThat(lanes.active()).hasSize(active);
    assertThat(intake.waitingCount()).isEqualTo(waiting);
    assertThat(fills(ready + 1)).isFalse();
    assertThat(ready == 0 || fills(ready)).isTrue();
    assertThat(heads.values()).noneMatch(head -> head.state == LaneEntry.State.QUEUED);
  }

  private boolean fills(int items) {
    return lanes.fillsBatch(new BatchBounds(items, 1L << 30, Duration.ZERO));
  }
}
