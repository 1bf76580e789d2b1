package io.commslib.benchmarks.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The parsed command line.
 *
 * @param seed the seed of all random choices
 * @param rows the numbers of the rows, empty for all rows of the suite
 * @param database the name of the database, or empty for the suite's default
 * @param size the amount of work
 * @param saboteur the name of the deliberate fault, or empty
 */
public record ChaosOptions(
    long seed, List<String> rows, String database, Size size, String saboteur) {

  /** The amount of work of a row. */
  public enum Size {
    /** Seconds; shows that the row works. */
    QUICK,
    /** Minutes. */
    USUAL,
    /** The amounts of the fault matrix. */
    FULL
  }

  /** Returns the argument that belongs to the size. */
  public int bySize(int quick, int usual, int full) {
    return switch (size) {
      case QUICK -> quick;
      case USUAL -> usual;
      case FULL -> full;
    };
  }

  /** Parses the arguments after the suite's name; empty if one of them is invalid. */
  static Optional<ChaosOptions> parse(List<String> arguments) {
    long seed = System.nanoTime() % 1_000_000;
    List<String> rows = new ArrayList<>();
    String database = "";
    Size size = Size.USUAL;
    String saboteur = "";
    for (int i = 0; i < arguments.size(); i++) {
      String name = arguments.get(i);
      if (name.equals("--quick") || name.equals("--full")) {
        size = Size.valueOf(name.substring(2).toUpperCase(Locale.ROOT));
        continue;
      }
      if (++i == arguments.size()) {
        return Optional.empty();
      }
      String value = arguments.get(i);
      if (name.equals("--seed") && value.matches("[0-9]{1,18}")) {
        seed = Long.parseLong(value);
      } else if (name.equals("--rows")) {
        rows.addAll(List.of(value.split(",", -1)));
      } else if (name.equals("--database") && value.matches("[a-z0-9]+")) {
        database = value;
      } else if (name.equals("--saboteur") && value.matches("[A-Z_]+")) {
        saboteur = value;
      } else {
        return Optional.empty();
      }
    }
    return Optional.of(new ChaosOptions(seed, List.copyOf(rows), database, size, saboteur));
  }
}
