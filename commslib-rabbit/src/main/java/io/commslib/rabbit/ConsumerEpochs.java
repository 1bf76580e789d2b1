package io.commslib.rabbit;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of one consumer. Each attempt to consume begins an epoch, which has a number
 * and at most one channel. All that the attempt, the channel and the broker report carries that
 * number, and what is not of the current epoch changes nothing.
 *
 * <p>A channel has one owner, who closes it: the attempt until {@link #opened} returns true, the
 * machine after that, and the caller that ends the epoch afterwards. Each method that ends an epoch
 * states whether it did.
 *
 * <p>Not thread-safe: confined to the lock under which deliveries are passed to the engine, so that
 * no delivery of an epoch is passed on after its end. Calls nothing.
 *
 * @param <C> the channels
 */
final class ConsumerEpochs<C> {

  /** What the consumer does. */
  enum State {
    /** It has no channel; an attempt may begin, unless there is a {@link Hold}. */
    WAITING,
    /** An attempt runs, which may have a channel and receive deliveries. */
    OPENING,
    /** It consumes. */
    CONSUMING,
    /** It keeps its channel for the handlers that still run, and takes nothing more. */
    LEAVING,
    /** It has ended. */
    LEFT
  }

  /** A reason for which no attempt may begin. */
  enum Hold {
    /** The subscription takes no more messages. */
    INTAKE_STOPPED,
    /** An error of the JVM has stopped the handlers. */
    JVM_FAILURE,
    /** All messages were returned, and the route is paused. */
    ROUTE_PAUSED
  }

  private State state = State.WAITING;
  private final Set<Hold> holds = EnumSet.noneOf(Hold.class);

  /** The number of the current epoch, or of the last one. */
  private long epoch;

  /** The channel of the current epoch. */
  private @Nullable C channel;

  /** Whether the channel of the current epoch is known to be closed. */
  private boolean broken;

  State state() {
    return state;
  }

  /** {@return the channel that the consumer has, or null} */
  @Nullable C channel() {
    return channel;
  }

  /** {@return the number of the epoch that has {@link #channel()}} */
  long epoch() {
    return epoch;
  }

  void hold(Hold reason) {
    holds.add(reason);
  }

  void release(Hold reason) {
    holds.remove(reason);
  }

  boolean isHeld(Hold reason) {
    return holds.contains(reason);
  }

  /** Begins an attempt. Returns the number of its epoch, or 0 if none may begin. */
  long begin() {
    if (state != State.WAITING || !holds.isEmpty()) {
      return 0;
    }
    state = State.OPENING;
    broken = false;
    return ++epoch;
  }

  /**
   * The attempt has opened a channel, on which it may consume if this returns true. Otherwise its
   * epoch has ended, and the attempt closes the channel.
   */
  boolean opened(long number, C opened) {
    if (number != epoch || state != State.OPENING || channel != null) {
      return false;
    }
    channel = opened;
    return true;
  }

  /**
   * The broker has accepted the consumer. If this returns false, the epoch or its channel has
   * ended, and the attempt has failed.
   */
  boolean consuming(long number) {
    if (number != epoch || state != State.OPENING || channel == null || broken) {
      return false;
    }
    state = State.CONSUMING;
    return true;
  }

  /** {@return whether a delivery of this epoch may be passed to the engine} */
  boolean accepts(long number) {
    return number == epoch
        && channel != null
        && !broken
        && (state == State.OPENING || state == State.CONSUMING);
  }

  /**
   * The channel of an epoch is closed, or its consumer cancelled. If this returns true, the epoch
   * has ended, and the caller owns the channel. While an attempt runs, that attempt fails instead.
   */
  boolean lost(long number) {
    if (number != epoch || channel == null) {
      return false;
    }
    broken = true;
    return state == State.CONSUMING && end();
  }

  /** The attempt has failed. If this returns true, its epoch ends, and it owns its channel. */
  boolean failed(long number) {
    return number == epoch && state == State.OPENING && end();
  }

  private boolean end() {
    state = State.WAITING;
    channel = null;
    return true;
  }

  /** Ends the current epoch for a reason of this process. Returns its channel for the caller. */
  @Nullable C interrupt() {
    if (state != State.OPENING && state != State.CONSUMING) {
      return null;
    }
    C taken = channel;
    end();
    return taken;
  }

  /** No attempt begins from here on, and no delivery is accepted. */
  void leave() {
    if (state != State.LEFT) {
      state = State.LEAVING;
    }
  }

  /** Ends the consumer. Returns its channel for the caller. */
  @Nullable C left() {
    C taken = channel;
    channel = null;
    state = State.LEFT;
    return taken;
  }
}
