package io.commslib.kafka;

import io.commslib.core.Failures;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Client settings whose values must not appear in errors. The client hides them in its log, but
 * quotes some of them in exceptions, for example a JAAS text that it can't parse.
 */
final class SecretSettings {

  private static final Pattern NAMES =
      Pattern.compile(".*(password|secret|jaas|token|keystore\\.key|private).*");

  /** The words of a JAAS text; an equals sign marks the word before it as the name of an option. */
  private static final Pattern WORDS = Pattern.compile("([^\\s;\"'=]+)(\\s*=)?");

  /** Control flags and the usual names of options. */
  private static final Set<String> NOT_SECRET =
      Set.of("required", "requisite", "sufficient", "optional", "username", "password", "true");

  private SecretSettings() {}

  /** The name of a setting whose value is quoted by an exception or one of its causes. */
  static Optional<String> quotedBy(Throwable failure, Map<String, Object> settings) {
    for (Map.Entry<String, Object> setting : settings.entrySet()) {
      if (NAMES.matcher(setting.getKey().toLowerCase(Locale.ROOT)).matches()
          && quotes(failure, words(String.valueOf(setting.getValue())))) {
        return Optional.of(setting.getKey());
      }
    }
    return Optional.empty();
  }

  private static List<String> words(String value) {
    List<String> words = new ArrayList<>();
    if (!value.isBlank()) {
      words.add(value);
    }
    Matcher found = WORDS.matcher(value);
    while (found.find()) {
      String word = found.group(1);
      boolean isName = found.group(2) != null || word.contains(".");
      if (!isName && !NOT_SECRET.contains(word.toLowerCase(Locale.ROOT))) {
        words.add(word);
      }
    }
    return words;
  }

  private static boolean quotes(Throwable failure, List<String> words) {
    return Failures.chain(failure).stream()
        .map(cause -> String.valueOf(cause.getMessage()))
        .anyMatch(text -> words.stream().anyMatch(text::contains));
  }
}
