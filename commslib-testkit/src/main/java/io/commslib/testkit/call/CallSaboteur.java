package io.commslib.testkit.call;

import io.commslib.core.call.CallTransport;
import io.commslib.core.resilience.CallPolicy.Part;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Breaks one promise of calls over a transport, so that a rule of {@link CallTransportContract} can
 * be seen to fail. Some break the transport, others the way in which calls are made with it.
 */
public enum CallSaboteur {
  /** Every failure may have been sent. */
  HIDES_CERTAINTY(transport(OutcomeFaults::hidesCertainty)),
  /** No failure was sent. */
  CLAIMS_NOT_SENT(transport(OutcomeFaults::claimsNotSent)),
  /** Every answer that is a failure is UNAVAILABLE. */
  TAKES_REJECTIONS_FOR_OUTAGES(transport(OutcomeFaults::takesRejectionsForOutages)),
  /** What counts against the remote is INVALID_ARGUMENT. */
  TAKES_OUTAGES_FOR_REJECTIONS(transport(OutcomeFaults::takesOutagesForRejections)),
  /** Successes are UNAVAILABLE. */
  TAKES_ANSWERS_FOR_FAILURES(transport(OutcomeFaults::takesAnswersForFailures)),
  /** No failure may be repeated. */
  FORBIDS_REPETITIONS(transport(OutcomeFaults::forbidsRepetitions)),
  /** Every failure may be repeated. */
  IGNORES_STOP_SIGNALS(transport(OutcomeFaults::ignoresStopSignals)),
  /** Failures without advice have some. */
  INVENTS_ADVICE(transport(OutcomeFaults::inventsAdvice)),
  /** Advice is lost. */
  LOSES_ADVICE(transport(OutcomeFaults::losesAdvice)),
  /** All advice is a wait of 6 s. */
  STRETCHES_ADVICE(transport(OutcomeFaults::stretchesAdvice)),
  /** Details that can't be read hide the status. */
  CHOKES_ON_DETAILS(transport(OutcomeFaults::chokesOnDetails)),
  /** Attempts state no time. */
  HIDES_DEADLINES(transport(SendFaults::hidesDeadlines)),
  /** Each attempt states an hour. */
  SENDS_FULL_DEADLINES(transport(SendFaults::sendsFullDeadlines)),
  /** Every attempt is the first. */
  MISNUMBERS_ATTEMPTS(transport(SendFaults::misnumbersAttempts)),
  /** Each attempt has a key of its own. */
  RENEWS_KEYS(transport(SendFaults::renewsKeys)),
  /** All attempts of all calls have one key. */
  SHARES_KEYS(transport(SendFaults::sharesKeys)),
  /** The trace is lost. */
  FORGETS_TRACES(transport(SendFaults::forgetsTraces)),
  /** Attempts have a trace of their own. */
  INVENTS_TRACES(transport(SendFaults::inventsTraces)),
  /** Later attempts have no content. */
  SENDS_BODIES_ONCE(transport(SendFaults::sendsBodiesOnce)),
  /** Each answered attempt is sent twice. */
  SENDS_TWICE(transport(SendFaults::sendsTwice)),
  /** A failed attempt is sent again by the transport. */
  REPEATS_AFTER_FAILURES(transport(SendFaults::repeatsAfterFailures)),
  /** An interrupted attempt is sent again by the transport. */
  REPEATS_AFTER_TIMEOUTS(transport(SendFaults::repeatsAfterTimeouts)),
  /** An interrupt is a lost answer. */
  SWALLOWS_INTERRUPTS(transport(SendFaults::swallowsInterrupts)),
  /** An interrupted attempt ends 6 s later. */
  IGNORES_INTERRUPTS(transport(SendFaults::ignoresInterrupts)),
  /** A lost answer is a success with a part of it. */
  TAKES_A_PART_FOR_THE_ANSWER(transport(SendFaults::takesAPartForTheAnswer)),
  /** Each answer is that of the attempt before. */
  REPEATS_OLD_ANSWERS(transport(SendFaults::repeatsOldAnswers)),
  /** Answers over the bound are successes. */
  RAISES_BOUNDS(transport(SendFaults::raisesBounds)),
  /** Answers of exactly the bound are too large. */
  LOWERS_BOUNDS(transport(SendFaults::lowersBounds)),
  /** Empty answers arrive with one character. */
  PADS_EMPTY_ANSWERS(transport(SendFaults::padsEmptyAnswers)),
  /** After a failure every attempt fails. */
  STAYS_BROKEN(transport(SendFaults::staysBroken)),
  /** Each attempt opens a connection. */
  CLOSES_CONNECTIONS(transport(SendFaults::closesConnections)),
  /** Each attempt starts a thread that stays. */
  STARTS_THREADS(transport(SendFaults::startsThreads)),
  /** Timeouts are NOT_SENT. */
  CLAIMS_TIMEOUTS_NOT_SENT(harness(EngineFaults::claimsTimeoutsNotSent)),
  /** Calls run outside of the context of their caller. */
  LEAVES_THE_CONTEXT(harness(EngineFaults::leavesTheContext)),
  /** The flag of an interrupt is cleared. */
  CLEARS_FLAGS(harness(EngineFaults::clearsFlags)),
  /** The interrupt of a timeout reaches the caller. */
  LEAKS_INTERRUPTS(harness(EngineFaults::leaksInterrupts)),
  /** Failed attempts keep their slots. */
  KEEPS_SLOTS(harness(EngineFaults::keepsSlots)),
  /** Refusals on the caller's side open the breaker. */
  COUNTS_REFUSALS(harness(EngineFaults::countsRefusals)),
  /** Nothing is repeated. */
  NEVER_RETRIES(harness(healthy -> EngineFaults.without(healthy, Part.RETRY))),
  /** Repetitions have no budget. */
  IGNORES_BUDGETS(harness(healthy -> EngineFaults.without(healthy, Part.BUDGET))),
  /** Attempts have the time of the call. */
  FORGETS_ATTEMPT_TIMEOUTS(harness(healthy -> EngineFaults.without(healthy, Part.ATTEMPT_TIMEOUT))),
  /** Calls have no deadline of their own. */
  FORGETS_DEADLINES(harness(healthy -> EngineFaults.without(healthy, Part.DEADLINE))),
  /** There is no circuit breaker. */
  FORGETS_BREAKERS(harness(healthy -> EngineFaults.without(healthy, Part.BREAKER))),
  /** There is no bulkhead. */
  FORGETS_BULKHEADS(harness(healthy -> EngineFaults.without(healthy, Part.BULKHEAD))),
  /** There is no rate limiter. */
  FORGETS_RATE_LIMITERS(harness(healthy -> EngineFaults.without(healthy, Part.RATE_LIMITER)));

  private record Fault(
      Function<ScriptedCallTransport, CallTransport<String, ScriptedAnswer>> transport,
      UnaryOperator<CallHarness> harness) {}

  private final Fault fault;

  CallSaboteur(Fault fault) {
    this.fault = fault;
  }

  private static Fault transport(
      Function<ScriptedCallTransport, CallTransport<String, ScriptedAnswer>> fault) {
    return new Fault(fault, healthy -> healthy);
  }

  private static Fault harness(UnaryOperator<CallHarness> fault) {
    return new Fault(healthy -> healthy, fault);
  }

  /**
   * Returns a transport with this fault around a healthy one.
   *
   * @param healthy the transport to break
   * @return the broken transport, or the healthy one if the fault is elsewhere
   */
  public CallTransport<String, ScriptedAnswer> sabotage(ScriptedCallTransport healthy) {
    return fault.transport.apply(healthy);
  }

  /**
   * Returns a harness with this fault around a healthy one.
   *
   * @param healthy the harness to break; the caller closes it
   * @return the broken harness, or the healthy one if the fault is that of a transport
   */
  public CallHarness sabotage(CallHarness healthy) {
    return fault.harness.apply(healthy);
  }
}
