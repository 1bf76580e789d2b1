package io.commslib.core.redrive;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Message;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The dead letters of one cause.
 *
 * @param fingerprint what they have in common
 * @param count how many there are
 * @param keys how many different keys they have; letters without a readable key count as none
 * @param quarantined how many of them have been sent back as often as the cap allows
 * @param oldest when the first was given up
 * @param newest when the last was given up
 * @param sample the oldest of them
 * @since 0.1
 */
public record CauseGroup(
    String fingerprint,
    int count,
    int keys,
    int quarantined,
    Instant oldest,
    Instant newest,
    DeadLetter sample) {

  /** The groups of these letters, the largest first. */
  static List<CauseGroup> of(List<DeadLetter> letters, int maxRedrives) {
    Map<String, List<DeadLetter>> byCause = new LinkedHashMap<>();
    letters.forEach(
        letter ->
            byCause.computeIfAbsent(letter.fingerprint(), cause -> new ArrayList<>()).add(letter));
    List<CauseGroup> groups = new ArrayList<>();
    byCause.forEach((cause, members) -> groups.add(group(cause, members, maxRedrives)));
    groups.sort(Collections.reverseOrder((a, b) -> Integer.compare(a.count(), b.count())));
    return groups;
  }

  private static CauseGroup group(String cause, List<DeadLetter> members, int maxRedrives) {
    Set<String> keys = new HashSet<>();
    int quarantined = 0;
    Instant oldest = members.get(0).failedAt();
    Instant newest = oldest;
    for (DeadLetter letter : members) {
      letter.message().flatMap(Message::key).ifPresent(keys::add);
      quarantined += letter.redriveCount() >= maxRedrives ? 1 : 0;
      oldest = letter.failedAt().isBefore(oldest) ? letter.failedAt() : oldest;
      newest = letter.failedAt().isAfter(newest) ? letter.failedAt() : newest;
    }
    return new CauseGroup(
        cause, members.size(), keys.size(), quarantined, oldest, newest, members.get(0));
  }
}
