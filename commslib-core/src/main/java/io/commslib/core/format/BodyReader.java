package io.commslib.core.format;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds values in bodies for a format. Codec modules implement it. Immutable; thread-safe; must not
 * block.
 */
public interface BodyReader {

  /** {@return the media type of the bodies} */
  String contentType();

  /**
   * Returns whether a body of a media type can be read.
   *
   * @param contentType the media type of a message
   * @return whether it is of the kind that this reads
   */
  boolean accepts(String contentType);

  /**
   * Prepares the search for values. Called once for each format.
   *
   * @param paths the paths of the values
   * @return function from a body, backed by an accessible array and neither changed nor kept, to
   *     the text of the value at each path, null where there is none. It throws {@link
   *     io.commslib.core.CodecException} if the body can't be read, or if a value is not a text,
   *     number or boolean
   * @throws IllegalArgumentException if a path is malformed
   */
  Function<ByteBuffer, @Nullable String[]> finder(List<String> paths);
}
