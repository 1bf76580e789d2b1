package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.observe.CommsObserver;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Breaks one promise of a transport, so that a test can be seen to fail. The contract names the
 * saboteurs of each rule ({@code BrokenBy}); authors of adapters can wrap their own transport and
 * see the same.
 */
public enum Saboteur {
  /** Receipts name another message. */
  MISNAMES_RECEIPTS(PublishFaults::misnamesReceipts),
  /** Publishes are confirmed and lost. */
  LOSES_PUBLISHES(PublishFaults::loses),
  /** Every fiftieth publish is confirmed and lost. */
  LOSES_SOME_PUBLISHES(PublishFaults::losesSome),
  /** Failed publishes are reported as confirmed. */
  CONFIRMS_FAILURES(PublishFaults::confirmsFailures),
  /** Every failed publish reports MAYBE_SENT. */
  HIDES_CERTAINTY(PublishFaults::hidesCertainty),
  /** Destinations are never optional. */
  FORGETS_OPTIONAL(PublishFaults::forgetsOptional),
  /** Delayed messages are delivered at once. */
  FORGETS_DELIVER_AT(transport -> PublishFaults.stripping(transport, Set.of("deliverAt"))),
  /** An id published before is dropped. */
  REMOVES_DUPLICATES(PublishFaults::removesDuplicates),
  /** Everything is published twice. */
  DUPLICATES_PUBLISHES(PublishFaults::duplicates),
  /** Subject and expiry are lost. */
  FORGETS_ATTRIBUTES(transport -> PublishFaults.stripping(transport, Set.of("subject", "expiry"))),
  /** Messages arrive without their source. */
  FORGETS_SOURCES(transport -> PublishFaults.stripping(transport, Set.of("source"))),
  /** Messages arrive without the idempotency key that the application has set. */
  FORGETS_IDEMPOTENCY_KEYS(
      transport -> PublishFaults.stripping(transport, Set.of("idempotencyKey"))),
  /** The trace is lost. */
  FORGETS_TRACES(transport -> PublishFaults.stripping(transport, Set.of("traceparent"))),
  /** Headers are lost. */
  FORGETS_HEADERS(transport -> PublishFaults.stripping(transport, Set.of("headers"))),
  /** Keys are lost. */
  LOSES_KEYS(transport -> PublishFaults.stripping(transport, Set.of("key"))),
  /** Messages without key get the same key. */
  INVENTS_KEYS(PublishFaults::inventsKeys),
  /** Empty bodies arrive with one byte. */
  PADS_EMPTY_BODIES(PublishFaults::padsEmptyBodies),
  /** Bodies end after 64 KiB. */
  TRUNCATES_BODIES(PublishFaults::truncatesBodies),
  /** The third and the fourth message of each key are swapped. */
  SWAPS_MESSAGES_OF_A_KEY(PublishFaults::swapsMessagesOfAKey),
  /** One handler runs at a time. */
  RUNS_HANDLERS_ONE_AT_A_TIME(HandlerFaults::runsOneAtATime),
  /** A worker sleeps until the retry is due. */
  RETRIES_IN_THE_WORKER(HandlerFaults::retriesInTheWorker),
  /** A message to be retried is published again, behind all others. */
  RETRIES_AT_THE_END(transport -> HandlerFaults.toTheEnd(transport, Settlement.Kind.RETRY)),
  /** A message given back is published again, behind all others. */
  GIVES_BACK_TO_THE_END(transport -> HandlerFaults.toTheEnd(transport, Settlement.Kind.GIVE_BACK)),
  /** Four times the workers and ten times the messages and bytes in flight. */
  EXCEEDS_BOUNDS(ConfigFaults::exceedsBounds),
  /** All groups of a topic are one. */
  MERGES_GROUPS(ConfigFaults::mergesGroups),
  /** A queue takes any group. */
  LETS_ANY_GROUP_IN(ConfigFaults::letsAnyGroupIn),
  /** Each member is a group of its own. */
  SPLITS_GROUPS(ConfigFaults::splitsGroups),
  /** Only the first member of a group works. */
  STARVES_MEMBERS(LifecycleFaults::starvesMembers),
  /**
   * Inbox, required capabilities, start position and the dropping of expired messages are ignored.
   */
  FORGETS_DEMANDS(ConfigFaults::forgetsDemands),
  /** Handled messages are redelivered once. */
  SETTLES_DONE_AS_GIVE_BACK(HandlerFaults::settlesDoneAsGiveBack),
  /** Dropped messages become dead letters. */
  SETTLES_DROP_AS_DEAD_LETTER(
      transport ->
          HandlerFaults.settling(
              transport, Settlement.Kind.DROP, Settlement.deadLetter("dropped"))),
  /** Nothing is retried. */
  SETTLES_RETRY_AS_DONE(
      transport -> HandlerFaults.settling(transport, Settlement.Kind.RETRY, Settlement.done())),
  /** What is given back is lost. */
  SETTLES_GIVE_BACK_AS_DONE(
      transport -> HandlerFaults.settling(transport, Settlement.Kind.GIVE_BACK, Settlement.done())),
  /** Giving back counts as a failed attempt. */
  COUNTS_GIVE_BACK(
      transport ->
          HandlerFaults.settling(transport, Settlement.Kind.GIVE_BACK, Settlement.retry())),
  /** Dead letters are dropped. */
  SWALLOWS_DEAD_LETTERS(
      transport ->
          HandlerFaults.settling(
              transport, Settlement.Kind.DEAD_LETTER, Settlement.drop("swallowed"))),
  /** Every attempt is the first. */
  MISCOUNTS_ATTEMPTS(HandlerFaults::miscountsAttempts),
  /** Retries run at once. */
  IGNORES_RETRY_DELAYS(
      transport ->
          HandlerFaults.settling(
              ConfigFaults.ignoresSchedule(transport), Settlement.Kind.RETRY, Settlement.retry())),
  /** Attempts never end. */
  RETRIES_FOREVER(ConfigFaults::retriesForever),
  /** Dead letters have no cause. */
  HIDES_CAUSES(DeadLetterFaults::hidesCauses),
  /** A null settlement counts as done. */
  TAKES_NULL_FOR_DONE(HandlerFaults::takesNullForDone),
  /** The default classifier decides. */
  IGNORES_CLASSIFIER(ConfigFaults::ignoresClassifier),
  /** A handler that throws counts as done. */
  SWALLOWS_THROWS(HandlerFaults::swallowsThrows),
  /** Handlers have a deadline of an hour. */
  IGNORES_DEADLINES(ConfigFaults::ignoresDeadlines),
  /** A key continues while its overrun handler still runs. */
  ABANDONS_OVERRUN_HANDLERS(HandlerFaults::abandonsOverrunHandlers),
  /** An outage consumes attempts. */
  COUNTS_OUTAGES(HandlerFaults::countsOutages),
  /** Health is always UP. */
  ALWAYS_HEALTHY(LifecycleFaults::alwaysHealthy),
  /** Records that can't be decoded are not listed. */
  HIDES_UNDECODABLE(DeadLetterFaults::hidesUndecodable),
  /** Dead letters are listed a second late. */
  LISTS_LATE(DeadLetterFaults::listsLate),
  /** Listing dead letters removes them. */
  LIST_REMOVES(DeadLetterFaults::listRemoves),
  /** Dead letters are listed newest first. */
  REVERSES_LISTS(DeadLetterFaults::reversesLists),
  /** Every page of dead letters is the first one. */
  REPEATS_PAGES(DeadLetterFaults::repeatsPages),
  /** Redriven messages get a new id. */
  REDRIVES_AS_NEW(DeadLetterFaults::redrivesAsNew),
  /** Redriven messages go to all groups. */
  REDRIVES_TO_ALL_GROUPS(DeadLetterFaults::redrivesToAllGroups),
  /** The selection is asked about all dead letters before the first is sent. */
  SELECTS_AHEAD(DeadLetterFaults::selectsAhead),
  /** The newest dead letter is redriven first. */
  REDRIVES_BACKWARDS(DeadLetterFaults::redrivesBackwards),
  /** Limits out of range are replaced by the nearest allowed one. */
  TAKES_ANY_LIMIT(DeadLetterFaults::takesAnyLimit),
  /** All dead letters are redriven, selected or not. */
  IGNORES_SELECTION(DeadLetterFaults::ignoresSelection),
  /** Nothing is discarded. */
  IGNORES_DISCARD(DeadLetterFaults::ignoresDiscard),
  /** Unknown groups have no dead letters. */
  TAKES_UNKNOWN_FOR_EMPTY(DeadLetterFaults::takesUnknownForEmpty),
  /** No transaction commits. */
  COMMITS_NOTHING(TransactionFaults::commitsNothing),
  /** Every transaction commits. */
  COMMITS_EVERYTHING(TransactionFaults::commitsEverything),
  /** Every batch has one message. */
  FORGETS_BATCHES(transport -> ConfigFaults.with(transport, ConfigFaults::inBatchesOfOne)),
  /** No key is ever blocked. */
  FORGETS_BLOCKED_KEYS(transport -> ConfigFaults.with(transport, ConfigFaults::holdingNoKeys)),
  /** The dead-letter breaker never opens. */
  IGNORES_DEAD_LETTER_BREAKER(
      transport -> ConfigFaults.with(transport, config -> config.withoutDeadLetterBreaker())),
  /** Every unreadable record is dead-lettered, even if none could be read. */
  DRAINS_UNREADABLE_TOPICS(
      transport -> ConfigFaults.with(transport, config -> config.maxUnreadable(0))),
  /** Messages are settled before they are handled. */
  ACKNOWLEDGES_EARLY(HandlerFaults::acknowledgesEarly),
  /** While draining, messages are settled without their handler. */
  LOSES_ON_DRAIN(LifecycleFaults::losesOnDrain),
  /** Drain returns true while handlers still run. */
  CLAIMS_DRAINED(LifecycleFaults::claimsDrained),
  /** Pause does nothing. */
  IGNORES_PAUSE(LifecycleFaults::ignoresPause),
  /** Resume does nothing. */
  IGNORES_RESUME(LifecycleFaults::ignoresResume),
  /** The gate is always open. */
  IGNORES_GATE(ConfigFaults::ignoresGate),
  /** Closing a subscription does nothing. */
  IGNORES_SUBSCRIPTION_CLOSE(LifecycleFaults::ignoresSubscriptionClose),
  /** Closing the transport does nothing. */
  IGNORES_CLOSE(LifecycleFaults::ignoresClose),
  /** Missing destinations are created silently. */
  DECLARES_SILENTLY(LifecycleFaults::declaresSilently),
  /** A destination can be declared only once. */
  REFUSES_REDECLARATION(LifecycleFaults::refusesRedeclaration),
  /** A thread stays behind. */
  LEAKS_THREADS(LifecycleFaults::leaksThreads),
  /** Snapshots have no ages and no pauses. */
  BLANKS_SNAPSHOTS(LifecycleFaults::blanksSnapshots),
  /** Handled messages are counted twice. */
  MISCOUNTS_LEDGER(LifecycleFaults::miscountsLedger),
  /** The observer is never called. */
  KEEPS_OBSERVER_IN_THE_DARK(transport -> transport);

  private final UnaryOperator<MessageTransport> fault;

  Saboteur(UnaryOperator<MessageTransport> fault) {
    this.fault = fault;
  }

  /**
   * Returns a transport with this fault around a healthy one.
   *
   * @param healthy the transport to break; the caller closes it
   * @return the broken transport
   */
  public MessageTransport sabotage(MessageTransport healthy) {
    return fault.apply(healthy);
  }

  /**
   * Returns the observer to pass to the transport that will be broken.
   *
   * @param observer the test's observer
   * @return the same, unless this saboteur silences observers
   */
  public CommsObserver sabotage(CommsObserver observer) {
    return this == KEEPS_OBSERVER_IN_THE_DARK ? CommsObserver.none() : observer;
  }
}
