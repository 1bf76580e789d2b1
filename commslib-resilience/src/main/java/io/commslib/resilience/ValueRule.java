package io.commslib.resilience;

import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The values of a setting: a count, a time, true and false, a name, weights of subsets, or a
 * mirror. Immutable.
 *
 * @param kind what the values are
 * @param min minimum, in nanoseconds if the values are times
 * @param max maximum, in nanoseconds if the values are times
 * @param hasOff whether {@link Off#OFF} is a value
 * @param isWhole whether a time must be whole seconds
 * @param names the values that have names
 */
record ValueRule(
    Kind kind, long min, long max, boolean hasOff, boolean isWhole, List<Object> names) {

  /** More would only make a long text of an error. */
  private static final int MAX_CHARS = 100;

  private static final int MAX_SPLIT_CHARS = 600;

  private static final int MAX_WEIGHT_CHARS = 6;

  private static final Pattern NUMBER = Pattern.compile("-?\\d{1,18}");

  enum Kind {
    COUNT,
    TIME,
    FLAG,
    NAME,
    SPLIT,
    MIRROR
  }

  /** The value of a time whose policy is switched off. */
  enum Off {
    OFF;

    @Override
    public String toString() {
      return "off";
    }
  }

  static ValueRule count(int min, int max) {
    return new ValueRule(Kind.COUNT, min, max, false, false, List.of());
  }

  static ValueRule time(Duration min, Duration max) {
    return new ValueRule(Kind.TIME, min.toNanos(), max.toNanos(), false, false, List.of());
  }

  static ValueRule flag() {
    return new ValueRule(Kind.FLAG, 0, 1, false, false, List.of());
  }

  static ValueRule oneOf(List<?> names) {
    return new ValueRule(Kind.NAME, 0, names.size() - 1L, false, false, List.copyOf(names));
  }

  static ValueRule split() {
    return new ValueRule(Kind.SPLIT, 1, TrafficSplit.MAX_SUBSETS, false, false, List.of());
  }

  static ValueRule mirror() {
    return new ValueRule(Kind.MIRROR, 1, 100, false, false, List.of());
  }

  ValueRule orOff() {
    return new ValueRule(kind, min, max, true, isWhole, names);
  }

  ValueRule wholeSeconds() {
    return new ValueRule(kind, min, max, hasOff, true, names);
  }

  /** Returns a value of the rule's kind, or {@link Off}; null if the text breaks the rule. */
  @Nullable Object parse(String text) {
    if (text.length() > (kind == Kind.SPLIT ? MAX_SPLIT_CHARS : MAX_CHARS)) {
      return null;
    }
    if (hasOff && text.equals("off")) {
      return Off.OFF;
    }
    return switch (kind) {
      case COUNT -> parseCount(text);
      case TIME -> parseTime(text);
      case FLAG -> text.equals("true") ? Boolean.TRUE : text.equals("false") ? false : null;
      case NAME -> named(text);
      case SPLIT -> parseSplit(text);
      case MIRROR -> parseMirror(text);
    };
  }

  private @Nullable Object named(String text) {
    return names.stream().filter(each -> each.toString().equals(text)).findFirst().orElse(null);
  }

  /** Reads {@code name:weight} with commas between them. */
  private static @Nullable TrafficSplit parseSplit(String text) {
    Map<String, Integer> weights = new LinkedHashMap<>();
    for (String part : text.split(",", -1)) {
      int colon = part.indexOf(':');
      String weight = part.substring(colon + 1).strip();
      if (colon < 0
          || !NUMBER.matcher(weight).matches()
          || weight.length() > MAX_WEIGHT_CHARS
          || weights.put(part.substring(0, colon).strip(), Integer.valueOf(weight)) != null) {
        return null;
      }
    }
    try {
      return TrafficSplit.of(weights);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Reads {@code name:percent}. */
  private static @Nullable TrafficMirror parseMirror(String text) {
    int colon = text.indexOf(':');
    String percent = text.substring(colon + 1);
    if (colon < 0 || !NUMBER.matcher(percent).matches() || percent.length() > MAX_WEIGHT_CHARS) {
      return null;
    }
    try {
      return TrafficMirror.of(text.substring(0, colon), Integer.parseInt(percent));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private @Nullable Integer parseCount(String text) {
    if (!NUMBER.matcher(text).matches()) {
      return null;
    }
    long value = Long.parseLong(text);
    return value < min || value > max ? null : (Integer) (int) value;
  }

  private @Nullable Duration parseTime(String text) {
    Duration value = Times.parse(text);
    if (value == null
        || value.compareTo(Duration.ofNanos(min)) < 0
        || value.compareTo(Duration.ofNanos(max)) > 0
        || (isWhole && value.getNano() != 0)) {
      return null;
    }
    return value;
  }

  /** Returns the text of a value, which {@link #parse} reads; {@code none} for no value. */
  static String show(@Nullable Object value) {
    if (value == null) {
      return "none";
    }
    return value instanceof Duration time ? Times.show(time) : value.toString();
  }

  /** {@return the rule in words} */
  @Override
  public String toString() {
    String range =
        switch (kind) {
          case COUNT -> min + ".." + max;
          case TIME -> Times.show(Duration.ofNanos(min)) + ".." + Times.show(Duration.ofNanos(max));
          case FLAG -> "true or false";
          case NAME -> names.stream().map(Object::toString).collect(Collectors.joining(", "));
          case MIRROR -> "a subset with " + min + ".." + max + " per cent such as canary:5";
          case SPLIT -> "weights of " + min + ".." + max + " subsets such as v1:95,v2:5";
        };
    return range + (isWhole ? ", whole seconds" : "") + (hasOff ? ", or off" : "");
  }
}
