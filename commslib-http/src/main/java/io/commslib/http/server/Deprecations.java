package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The header fields of deprecated paths: those of RFC 9745 and RFC 8594. */
final class Deprecations {

  private static final Pattern PREFIX = Pattern.compile("(?:/[^/\\s]+)+");

  /** The fixed form of dates in HTTP, always with two digits for the day. */
  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final Map<String, Map<String, List<String>>> byPrefix = new LinkedHashMap<>();

  void add(String prefix, Instant since, Instant removedOn) {
    Checks.matches("prefix", prefix, PREFIX, "a path without a slash at its end");
    Checks.check(!byPrefix.containsKey(prefix), "prefix", prefix, "deprecated once");
    Checks.instant("since", since);
    Checks.instant("removedOn", removedOn);
    Checks.check(!removedOn.isBefore(since), "removedOn", removedOn, "not before " + since);
    Map<String, List<String>> headers = new TreeMap<>();
    headers.put("Deprecation", List.of("@" + since.getEpochSecond()));
    headers.put("Sunset", List.of(HTTP_DATE.format(removedOn)));
    byPrefix.put(prefix, headers);
  }

  void checkUsed(List<PathTemplate> templates) {
    for (String prefix : byPrefix.keySet()) {
      Checks.check(
          templates.stream().anyMatch(template -> template.isBelow(prefix)),
          "prefix",
          prefix,
          "the beginning of a route's path");
    }
  }

  /** The fields of the longest prefix, or an empty map. */
  Map<String, List<String>> headers(PathTemplate template) {
    String longest = "";
    for (String prefix : byPrefix.keySet()) {
      if (template.isBelow(prefix) && prefix.length() > longest.length()) {
        longest = prefix;
      }
    }
    return byPrefix.getOrDefault(longest, Map.of());
  }
}
