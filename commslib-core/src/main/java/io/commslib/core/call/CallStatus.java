package io.commslib.core.call;

import io.commslib.core.checks.Checks;
import java.util.Map;
import java.util.TreeMap;

/**
 * The status of a call: the 17 canonical codes of gRPC, with one fixed table to and from HTTP.
 * Their numbers are those of gRPC. The table follows {@code google.rpc.Code}, except that 412 is
 * {@link #FAILED_PRECONDITION} in both directions.
 */
public enum CallStatus {
  /** The call succeeded. */
  OK(200),
  /** The caller cancelled the call. */
  CANCELLED(499),
  /** The failure has no known status. */
  UNKNOWN(500),
  /** The request is wrong, whatever the state of the callee. */
  INVALID_ARGUMENT(400),
  /** The deadline passed before the call ended. */
  DEADLINE_EXCEEDED(504),
  /** What the call names does not exist. */
  NOT_FOUND(404),
  /** What the call creates exists already. */
  ALREADY_EXISTS(409),
  /** The caller is known and not allowed to make the call. */
  PERMISSION_DENIED(403),
  /** A quota or a capacity is used up. */
  RESOURCE_EXHAUSTED(429),
  /** The callee is not in the state that the call requires. */
  FAILED_PRECONDITION(412),
  /** A concurrent call won a race. */
  ABORTED(409),
  /** The call is past the valid range. */
  OUT_OF_RANGE(400),
  /** The callee does not have this operation. */
  UNIMPLEMENTED(501),
  /** The callee has a defect. */
  INTERNAL(500),
  /** The callee can't serve calls now. */
  UNAVAILABLE(503),
  /** Data is lost or damaged. */
  DATA_LOSS(500),
  /** The caller is not known. */
  UNAUTHENTICATED(401);

  private static final CallStatus[] BY_CODE = values();
  private static final Map<Integer, CallStatus> BY_HTTP = byHttp();

  private final int http;

  CallStatus(int http) {
    this.http = http;
  }

  private static Map<Integer, CallStatus> byHttp() {
    Map<Integer, CallStatus> table = new TreeMap<>();
    table.put(400, INVALID_ARGUMENT);
    table.put(401, UNAUTHENTICATED);
    table.put(403, PERMISSION_DENIED);
    table.put(404, NOT_FOUND);
    table.put(405, UNIMPLEMENTED);
    table.put(408, UNAVAILABLE);
    table.put(409, ABORTED);
    table.put(410, NOT_FOUND);
    table.put(412, FAILED_PRECONDITION);
    table.put(416, OUT_OF_RANGE);
    table.put(425, UNAVAILABLE);
    table.put(428, FAILED_PRECONDITION);
    table.put(429, RESOURCE_EXHAUSTED);
    table.put(499, CANCELLED);
    table.put(500, INTERNAL);
    table.put(501, UNIMPLEMENTED);
    table.put(502, UNAVAILABLE);
    table.put(503, UNAVAILABLE);
    table.put(504, DEADLINE_EXCEEDED);
    return Map.copyOf(table);
  }

  /**
   * Returns the status of gRPC's number.
   *
   * @param code the number
   * @return the status; {@link #UNKNOWN} for a number outside of 0 to 16
   */
  public static CallStatus ofCode(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : UNKNOWN;
  }

  /**
   * Returns the status of an HTTP status code.
   *
   * @param http the status code, 100 to 599
   * @return {@link #OK} below 400; for a code without a row, {@link #INVALID_ARGUMENT} below 500
   *     and {@link #UNKNOWN} from 500
   * @throws IllegalArgumentException if the code is out of range
   */
  public static CallStatus ofHttp(int http) {
    Checks.inRange("http", http, 100, 599);
    if (http < 400) {
      return OK;
    }
    CallStatus known = BY_HTTP.get(http);
    return known != null ? known : http < 500 ? INVALID_ARGUMENT : UNKNOWN;
  }

  /**
   * Returns the number of gRPC.
   *
   * @return 0 to 16
   */
  public int code() {
    return ordinal();
  }

  /**
   * Returns the HTTP status code with which a server answers.
   *
   * @return 200, or 400 to 504
   */
  public int toHttp() {
    return http;
  }
}
