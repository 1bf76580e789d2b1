package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.rabbit.ConsumerEpochs.Hold;
import io.commslib.rabbit.ConsumerEpochs.State;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Every interleaving of what attempts, broker, user and JVM report to the state machine. */
class ConsumerEpochsTest {

  /** A channel as the broker sees it. */
  private static final class FakeChannel {
    final long epoch;
    boolean isOpen = true;
    boolean isConsumed;
    boolean isReportedLost;
    int closes;

    FakeChannel(long epoch) {
      this.epoch = epoch;
    }

    void close() {
      closes++;
      isOpen = false;
    }
  }

  /** One run: the machine with the callers that it has in the transport. */
  private static final class Run {
    final ConsumerEpochs<FakeChannel> epochs = new ConsumerEpochs<>();
    final List<FakeChannel> channels = new ArrayList<>();

    /** An attempt, in the steps between which others may act. */
    List<Runnable> attempt() {
      long[] number = {0};
      FakeChannel[] channel = {null};
      boolean[] hasFailed = {false};
      return List.of(
          () -> number[0] = epochs.begin(),
          () -> {
            if (number[0] != 0) {
              FakeChannel opened = new FakeChannel(number[0]);
              channels.add(opened);
              if (epochs.opened(number[0], opened)) {
                channel[0] = opened;
              } else {
                opened.close();
              }
            }
          },
          () -> {
            if (channel[0] != null) {
              hasFailed[0] = !channel[0].isOpen;
              channel[0].isConsumed = channel[0].isOpen;
            }
          },
          () -> {
            if (channel[0] != null
                && (hasFailed[0] || !epochs.consuming(number[0]))
                && epochs.failed(number[0])) {
              channel[0].close();
            }
          });
    }

    /** An attempt on whose last step no other acts. */
    List<Runnable> briefAttempt() {
      List<Runnable> steps = attempt();
      return List.of(
          steps.get(0),
          steps.get(1),
          () -> {
            steps.get(2).run();
            steps.get(3).run();
          });
    }

    /** The broker closes the newest channel; its report comes later. */
    List<Runnable> loss() {
      FakeChannel[] lost = {null};
      return List.of(
          () -> {
            if (!channels.isEmpty()) {
              lost[0] = channels.get(channels.size() - 1);
              lost[0].isOpen = false;
            }
          },
          () -> {
            if (lost[0] != null) {
              boolean ends = epochs.lost(lost[0].epoch);
              lost[0].isReportedLost = true;
              if (ends) {
                lost[0].close();
              }
            }
          });
    }

    List<Runnable> drainAndClose() {
      return List.of(epochs::leave, this::close);
    }

    void close() {
      FakeChannel taken = epochs.left();
      if (taken != null) {
        taken.close();
      }
    }

    List<Runnable> jvmFailure() {
      return List.of(
          () -> {
            epochs.hold(Hold.JVM_FAILURE);
            FakeChannel taken = epochs.interrupt();
            if (taken != null) {
              taken.close();
            }
          },
          () -> epochs.release(Hold.JVM_FAILURE));
    }

    void checkStep() {
      int accepting = 0;
      for (FakeChannel channel : channels) {
        if (epochs.accepts(channel.epoch)) {
          accepting++;
          check(epochs.channel() == channel, "accepts for another channel");
          check(channel.closes == 0, "accepts after its channel was closed");
          check(!channel.isReportedLost, "accepts after its revoke");
        }
      }
      check(accepting <= 1, "accepts for two channels");
      boolean leaves = epochs.state() == State.LEAVING || epochs.state() == State.LEFT;
      check(!leaves || accepting == 0, "accepts although it leaves");
    }

    private static void check(boolean holds, String text) {
      if (!holds) {
        throw new AssertionError(text);
      }
    }

    void checkEnd() {
      assertThat(channels).allMatch(channel -> channel.closes <= 1, "closed once");
      List<FakeChannel> open = channels.stream().filter(channel -> channel.isOpen).toList();
      switch (epochs.state()) {
        case WAITING, LEFT -> assertThat(open).as("ghost consumers").isEmpty();
        case CONSUMING -> assertThat(open).containsOnly(epochs.channel());
        default -> throw new AssertionError("stuck in " + epochs.state());
      }
    }
  }

  /** Runs all interleavings. Returns their number. */
  private static int enumerate(List<Function<Run, List<Runnable>>> actors) {
    int[] steps = new int[actors.size()];
    Run sample = new Run();
    int total = 0;
    for (int i = 0; i < steps.length; i++) {
      steps[i] = actors.get(i).apply(sample).size();
      total += steps[i];
    }
    return enumerate(actors, steps, new int[total], 0);
  }

  private static int enumerate(
      List<Function<Run, List<Runnable>>> actors, int[] left, int[] order, int depth) {
    if (depth == order.length) {
      replay(actors, order);
      return 1;
    }
    int runs = 0;
    for (int i = 0; i < left.length; i++) {
      if (left[i] > 0) {
        left[i]--;
        order[depth] = i;
        runs += enumerate(actors, left, order, depth + 1);
        left[i]++;
      }
    }
    return runs;
  }

  private static void replay(List<Function<Run, List<Runnable>>> actors, int[] order) {
    Run run = new Run();
    List<List<Runnable>> scripts = new ArrayList<>();
    actors.forEach(actor -> scripts.add(actor.apply(run)));
    int[] next = new int[actors.size()];
    for (int actor : order) {
      scripts.get(actor).get(next[actor]++).run();
      run.checkStep();
    }
    run.checkEnd();
  }

  @Test
  void closedDuringAnAttemptItLeavesNoConsumer() {
    assertThat(enumerate(List.of(Run::attempt, Run::briefAttempt, Run::drainAndClose, Run::loss)))
        .isEqualTo(69_300);
  }

  @Test
  void afterLossesAndErrorsOfTheJvmItHasOneConsumerOrNone() {
    assertThat(enumerate(List.of(Run::attempt, Run::briefAttempt, Run::jvmFailure, Run::loss)))
        .isEqualTo(69_300);
    assertThat(
            enumerate(
                List.of(Run::attempt, Run::briefAttempt, Run::jvmFailure, Run::drainAndClose)))
        .isEqualTo(69_300);
  }

  @Test
  void anAttemptBeginsOnlyWhileNoneRunsAndNothingHoldsIt() {
    ConsumerEpochs<String> epochs = new ConsumerEpochs<>();
    epochs.hold(Hold.ROUTE_PAUSED);
    epochs.hold(Hold.INTAKE_STOPPED);
    assertThat(epochs.begin()).isZero();
    epochs.release(Hold.ROUTE_PAUSED);
    assertThat(epochs.begin()).isZero();
    epochs.release(Hold.INTAKE_STOPPED);
    long first = epochs.begin();
    assertThat(first).isPositive();
    assertThat(epochs.begin()).as("one runs").isZero();
    assertThat(epochs.failed(first)).isTrue();
    long second = epochs.begin();
    assertThat(second).isGreaterThan(first);
    assertThat(epochs.opened(second, "c")).isTrue();
    assertThat(epochs.consuming(second)).isTrue();
    assertThat(epochs.begin()).as("it consumes").isZero();
    assertThat(epochs.accepts(second)).isTrue();
    assertThat(epochs.accepts(first)).isFalse();
    assertThat(epochs.lost(first)).as("a late report").isFalse();
    assertThat(epochs.state()).isEqualTo(State.CONSUMING);
  }

  @Test
  void whileItLeavesItKeepsItsChannelAndTakesNothing() {
    ConsumerEpochs<String> epochs = new ConsumerEpochs<>();
    long epoch = epochs.begin();
    assertThat(epochs.opened(epoch, "c")).isTrue();
    assertThat(epochs.consuming(epoch)).isTrue();
    epochs.leave();
    assertThat(epochs.accepts(epoch)).isFalse();
    assertThat(epochs.interrupt()).as("the handlers still settle on it").isNull();
    assertThat(epochs.channel()).isEqualTo("c");
    assertThat(epochs.left()).isEqualTo("c");
    assertThat(epochs.left()).as("one owner").isNull();
    assertThat(epochs.begin()).isZero();
  }
}
