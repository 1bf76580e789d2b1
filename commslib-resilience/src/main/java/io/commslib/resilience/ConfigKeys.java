package io.commslib.resilience;

import io.commslib.core.call.CallTarget;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Keys of the form {@code calls.<service>.<setting>}. A service may contain dots. */
final class ConfigKeys {

  /** The section of all remotes that have none of their own. */
  static final String DEFAULT = "default";

  static final int MAX_CHARS = 300;

  private static final String PREFIX = "calls";

  /** A missing part of a key counts as so many wrong characters. */
  private static final int MISSING = 3;

  private static final Set<String> GROUPS = groups();

  /** A key that is known. */
  record Parsed(String section, PolicySetting setting) {}

  private ConfigKeys() {}

  static String of(String section, PolicySetting setting) {
    return PREFIX + "." + section + "." + setting.key();
  }

  /** Returns the parts of a key, or null if it is unknown. */
  static @Nullable Parsed parse(String key) {
    if (!key.startsWith(PREFIX + ".")) {
      return null;
    }
    String rest = key.substring(PREFIX.length() + 1);
    for (PolicySetting setting : PolicySetting.values()) {
      int end = rest.length() - setting.key().length() - 1;
      if (end > 0 && rest.charAt(end) == '.' && rest.endsWith(setting.key())) {
        String section = rest.substring(0, end);
        return isName(section) ? new Parsed(section, setting) : null;
      }
    }
    return null;
  }

  private static boolean isName(String section) {
    return section.length() <= CallTarget.MAX_NAME_CHARS
        && section.chars().allMatch(c -> c > 0x20 && c < 0x7f);
  }

  /** Returns the known key with the smallest edit distance, without regard to case and hyphens. */
  static String nearest(String unknown) {
    String[] parts = unknown.split("\\.", -1);
    String best = "";
    int least = Integer.MAX_VALUE;
    for (PolicySetting setting : PolicySetting.values()) {
      String[] names = setting.key().split("\\.", -1);
      for (int tail = 1; tail <= Math.min(names.length, parts.length); tail++) {
        String[] head = Arrays.copyOf(parts, parts.length - tail);
        String section = section(head);
        int distance =
            distance(last(parts, tail), last(names, tail))
                + MISSING * (names.length - tail)
                + headDistance(head, section);
        if (distance < least) {
          least = distance;
          best = of(section.isEmpty() ? DEFAULT : section, setting);
        }
      }
    }
    return best;
  }

  /** Returns the name of the service; a first part that is not the prefix is taken for a name. */
  private static String section(String[] head) {
    boolean hasPrefix = head.length > 1 || (head.length == 1 && isPrefix(head[0]));
    String[] names = hasPrefix ? Arrays.copyOfRange(head, 1, head.length) : head;
    String section = String.join(".", names);
    return isName(section) ? section : "";
  }

  private static boolean isPrefix(String part) {
    return distance(part, PREFIX) <= 2;
  }

  private static int headDistance(String[] head, String section) {
    int prefix =
        head.length > 1 || (head.length == 1 && isPrefix(head[0]))
            ? distance(head[0], PREFIX)
            : MISSING;
    String name = section.substring(section.lastIndexOf('.') + 1);
    // A group such as "retry" is rather a part of the setting than the end of a service's name.
    boolean isGroup = GROUPS.contains(name);
    return prefix + (section.isEmpty() ? MISSING : 0) + (isGroup ? 2 * MISSING : 0);
  }

  private static Set<String> groups() {
    Set<String> groups = new HashSet<>();
    for (PolicySetting setting : PolicySetting.values()) {
      int dot = setting.key().indexOf('.');
      if (dot > 0) {
        groups.add(setting.key().substring(0, dot));
      }
    }
    return groups;
  }

  private static String last(String[] parts, int count) {
    return String.join(".", Arrays.asList(parts).subList(parts.length - count, parts.length));
  }

  /** The edit distance of V. I. Levenshtein, in two rows. */
  static int distance(String one, String other) {
    String a = plain(one);
    String b = plain(other);
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  private static String plain(String text) {
    return text.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
  }
}
