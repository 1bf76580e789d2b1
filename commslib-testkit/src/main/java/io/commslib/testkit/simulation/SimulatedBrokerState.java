package io.commslib.testkit.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The events that really happened, and the rules that they must keep. */
final class SimulatedBrokerState {

  private final Map<String, Integer> lastOfKey = new HashMap<>();
  private final Set<String> published = new HashSet<>();
  private final Set<String> completed = new HashSet<>();
  private final Set<String> deadLetters = new HashSet<>();
  private final Map<String, Long> dueNanos = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private long hash = 1_125_899_906_842_597L;

  /** A message id is its key and its number within the key: {@code k1-7}. */
  void published(String id) {
    published.add(id);
  }

  void trace(String event) {
    for (int i = 0; i < event.length(); i++) {
      hash = 31 * hash + event.charAt(i);
    }
    hash = 31 * hash + '\n';
  }

  long traceHash() {
    return hash;
  }

  void violated(String what) {
    violations.add(what);
    trace("VIOLATED " + what);
  }

  List<String> violations() {
    return violations;
  }

  /** A handler is called. */
  void called(String member, String id, long nowNanos) {
    trace(member + " handles " + id);
    Long due = dueNanos.remove(member + "/" + id);
    if (due != null && nowNanos < due) {
      violated("retry of " + id + " ran " + (due - nowNanos) + " ns before it was due");
    }
  }

  /** A handler asked for a retry, not before a time. */
  void retryDue(String member, String id, long atNanos) {
    dueNanos.put(member + "/" + id, atNanos);
  }

  /** A member loses deliveries: a redelivery is a new delivery and need not wait. */
  void forgetDues(String member) {
    dueNanos.keySet().removeIf(known -> known.startsWith(member + "/"));
  }

  /** A message is complete: handled, dropped, or safe in the dead letters. */
  void completed(String id, String how) {
    trace(id + " " + how);
    if (!completed.add(id)) {
      return;
    }
    int dash = id.indexOf('-');
    String key = id.substring(0, dash);
    int number = Integer.parseInt(id.substring(dash + 1));
    int last = lastOfKey.merge(key, number, Math::max);
    if (last != number || number != countOf(key) - 1) {
      violated(id + " was completed out of order");
    }
  }

  private long countOf(String key) {
    return completed.stream().filter(id -> id.startsWith(key + "-")).count();
  }

  void deadLettered(String id) {
    deadLetters.add(id);
    completed(id, "is in the dead letters");
  }

  boolean isComplete(String id) {
    return completed.contains(id);
  }

  /** A member tells the broker that it need not redeliver a message. */
  void settled(String member, String id) {
    trace(member + " settles " + id);
    if (!completed.contains(id)) {
      violated(id + " was settled before its outcome was safe");
    }
  }

  boolean isEverythingComplete() {
    return completed.size() == published.size();
  }

  Set<String> missing() {
    Set<String> missing = new HashSet<>(published);
    missing.removeAll(completed);
    return missing;
  }
}
