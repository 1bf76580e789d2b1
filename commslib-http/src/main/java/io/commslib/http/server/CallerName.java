package io.commslib.http.server;

import io.commslib.core.Failures;
import io.commslib.core.hash.Sha256;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The name of a caller in the scope of a key. Subjects of tokens and certificates are longer than a
 * scope and have any characters, so a name that does not fit is replaced by its hash.
 */
final class CallerName {

  static final int MAX_CHARS = 80;

  /** Begins the names that are hashes; a name of the user that begins so is hashed too. */
  private static final String HASHED = "sha256:";

  private static final char DOMAIN = 'c';

  private CallerName() {}

  /**
   * Asks the function of the user.
   *
   * @throws UnusableResultException if it names no caller, or fails for a reason of its own
   */
  static String of(Function<RouteRequest, String> caller, RouteRequest request) {
    String name;
    try {
      name = caller.apply(request);
    } catch (ProblemException e) {
      throw e;
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      throw unusable("caller: the function has thrown", e);
    }
    // Checked for null although its type excludes it: it is code of the user.
    return bounded(name);
  }

  private static String bounded(@Nullable String name) {
    if (name == null || name.isBlank()) {
      String value = name == null ? "null" : "blank";
      throw unusable("caller: " + value + " (expected: the name of the request's caller)", null);
    }
    boolean fits =
        name.length() <= MAX_CHARS
            && !name.startsWith(HASHED)
            && name.chars().allMatch(c -> c > ' ' && c <= '~');
    return fits ? name : HASHED + Sha256.ofTexts(DOMAIN, name);
  }

  private static UnusableResultException unusable(String reason, @Nullable Throwable cause) {
    return new UnusableResultException(ServerProblems.callerUnknown(), reason, cause);
  }
}
