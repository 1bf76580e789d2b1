/** Tests of the launchers, each against the real server. */
@NullMarked
package io.commslib.testkit.servers;

import org.jspecify.annotations.NullMarked;
