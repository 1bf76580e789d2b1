package io.commslib.testkit.call;

import io.commslib.testkit.call.RemoteStep.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;

/**
 * The script of a remote and the attempts that have arrived at it: the part of a {@link
 * CallHarness} that no protocol changes. Thread-safe.
 */
public final class RemoteScript {

  private final Object lock = new Object();
  private final Deque<RemoteStep> steps = new ArrayDeque<>();
  private final List<ArrivedAttempt> arrived = new ArrayList<>();
  private RemoteStep rest = RemoteStep.echo();

  /** Creates a script whose attempts find an {@link RemoteStep#echo()}. */
  public RemoteScript() {}

  /**
   * Sets what the next attempts find, in this order, and after them an {@link RemoteStep#echo()}.
   *
   * @param next the steps
   */
  public void script(RemoteStep... next) {
    synchronized (lock) {
      steps.clear();
      steps.addAll(List.of(next));
      rest = RemoteStep.echo();
    }
  }

  /**
   * Sets what every attempt finds from now on.
   *
   * @param step the step
   */
  public void always(RemoteStep step) {
    synchronized (lock) {
      steps.clear();
      rest = Objects.requireNonNull(step, "step");
    }
  }

  /** Takes the next step. */
  RemoteStep take() {
    synchronized (lock) {
      RemoteStep next = steps.poll();
      return next == null ? rest : next;
    }
  }

  /**
   * Returns the next step before its attempt is sent. A step at which the request does not arrive
   * is taken with this, any other one by {@link #arrives}.
   *
   * @return the step
   */
  public RemoteStep begins() {
    synchronized (lock) {
      RemoteStep next = steps.isEmpty() ? rest : steps.peek();
      return isOnTheWay(next) ? take() : next;
    }
  }

  /**
   * Records an attempt that has arrived, and takes its step.
   *
   * @param attempt the attempt
   * @return the step
   */
  public RemoteStep arrives(ArrivedAttempt attempt) {
    synchronized (lock) {
      records(attempt);
      return take();
    }
  }

  void records(ArrivedAttempt attempt) {
    synchronized (lock) {
      arrived.add(Objects.requireNonNull(attempt, "attempt"));
    }
  }

  /**
   * Returns whether the request of a step does not arrive.
   *
   * @param step the step
   * @return whether the fault is on its way
   */
  public static boolean isOnTheWay(RemoteStep step) {
    return step.kind() == Kind.REFUSE || step.kind() == Kind.LOSE;
  }

  /**
   * Returns the attempts that have arrived so far.
   *
   * @return the attempts, in order
   */
  public List<ArrivedAttempt> arrived() {
    synchronized (lock) {
      return List.copyOf(arrived);
    }
  }
}
